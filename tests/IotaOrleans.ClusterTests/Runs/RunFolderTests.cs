using System.Diagnostics;
using IotaOrleans.Host.Runs;
using IotaOrleans.Tests;

namespace IotaOrleans.ClusterTests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Root => _folder.File("runs");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_new_run_has_its_folders_and_paths()
    {
        RunFolder run = RunFolder.Create(Root, "tiny-1.0_b");

        run.Name.Should().Be("tiny-1.0_b");
        run.FullPath.Should().Be(Path.Combine(Root, "tiny-1.0_b"));
        Directory.Exists(run.Data).Should().BeTrue();
        Directory.Exists(run.Checkpoints).Should().BeTrue();
        new[] { run.StateDatabase, run.RunFile, run.LogFile, run.LockFile }.Select(path => Path.GetRelativePath(run.FullPath, path))
            .Should().Equal("state.db", "run.json", "run.log", "run.lock");
        Directory.EnumerateFileSystemEntries(Root).Should().Equal(run.FullPath);
    }

    [Fact]
    public void A_taken_name_is_refused()
    {
        RunFolder.Create(Root, "tiny");

        FluentActions.Invoking(() => RunFolder.Create(Root, "tiny")).Should().Throw<IotaException>()
            .WithMessage($"run tiny already exists in {Root}; resume it, or choose another name").Which.ExitCode.Should().Be(ExitCode.RunState);
        Directory.EnumerateFileSystemEntries(Root).Should().HaveCount(1);
    }

    [Fact]
    public void Of_many_creators_one_wins()
    {
        int won = 0;
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 16 }, _ =>
        {
            try
            {
                RunFolder.Create(Root, "tiny");
                Interlocked.Increment(ref won);
            }
            catch (IotaException taken)
            {
                taken.ExitCode.Should().Be(ExitCode.RunState);
            }
        });

        won.Should().Be(1);
        Directory.EnumerateFileSystemEntries(Root).Should().HaveCount(1);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".hidden")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("a b")]
    [InlineData("ü")]
    [InlineData("a\0")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    public void A_name_that_is_no_file_name_everywhere_is_refused(string name) =>
        FluentActions.Invoking(() => RunFolder.Create(Root, name)).Should().Throw<IotaException>().Which.ExitCode.Should().Be(ExitCode.Usage);

    [Fact]
    public void A_root_that_is_a_file_is_an_environment_failure()
    {
        File.WriteAllText(Root, string.Empty);

        FluentActions.Invoking(() => RunFolder.Create(Root, "tiny")).Should().Throw<IotaException>().Which.ExitCode.Should().Be(ExitCode.Environment);
    }

    [Fact]
    public void A_run_opens_by_name_and_by_path()
    {
        RunFolder run = RunFolder.Create(Root, "tiny");

        RunFolder.Open(Root, "tiny").FullPath.Should().Be(run.FullPath);
        RunFolder.Open(_folder.File("elsewhere"), run.FullPath + "/").FullPath.Should().Be(run.FullPath);
        RunFolder.Open(_folder.File("elsewhere"), run.FullPath + "/").Name.Should().Be("tiny");
    }

    [Fact]
    public void An_unknown_run_is_answered_with_the_known_ones()
    {
        FluentActions.Invoking(() => RunFolder.Open(Root, "tiny")).Should().Throw<IotaException>().WithMessage($"no run tiny in {Root}; there is none yet");
        RunFolder.Create(Root, "b");
        RunFolder.Create(Root, "a");

        FluentActions.Invoking(() => RunFolder.Open(Root, "tiny")).Should().Throw<IotaException>()
            .WithMessage($"no run tiny in {Root}; there are a, b").Which.ExitCode.Should().Be(ExitCode.Usage);
    }

    [Fact]
    public void Only_runs_are_listed()
    {
        RunFolder.List(Root).Should().BeEmpty();
        RunFolder.Create(Root, "b");
        RunFolder.Create(Root, "a");
        Directory.CreateDirectory(Path.Combine(Root, "notes"));
        Directory.CreateDirectory(Path.Combine(Root, ".a.tmp", "checkpoints"));

        RunFolder.List(Root).Select(run => run.Name).Should().Equal("a", "b");
    }

    [Fact]
    public void A_run_that_runs_cannot_be_started_again()
    {
        RunFolder run = RunFolder.Create(Root, "tiny");
        using (run.Lock())
        {
            RunFolder.Open(Root, "tiny").Invoking(other => other.Lock()).Should().Throw<IotaException>()
                .WithMessage($"run tiny is already running (process {Environment.ProcessId}); stop it first, or choose another run")
                .Which.ExitCode.Should().Be(ExitCode.RunState);
        }

        run.Lock().Dispose();
    }

    [Fact]
    public void What_a_dead_process_left_blocks_nobody()
    {
        RunFolder run = RunFolder.Create(Root, "tiny");
        File.WriteAllText(run.LockFile, string.Empty);
        File.WriteAllText(Path.Combine(run.FullPath, "run.pid"), "4194304");

        run.Lock().Dispose();
    }

    [Fact]
    public async Task A_lock_ends_with_its_process()
    {
        if (!File.Exists("/usr/bin/flock"))
        {
            return;
        }

        RunFolder run = RunFolder.Create(Root, "tiny");
        using Process holder = Process.Start(new ProcessStartInfo("/usr/bin/flock", ["--exclusive", run.LockFile, "sh", "-c", "echo held; read ignored"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        (await holder.StandardOutput.ReadLineAsync()).Should().Be("held");
        run.Invoking(held => held.Lock()).Should().Throw<IotaException>().WithMessage("run tiny is already running (another process)*");

        holder.Kill(entireProcessTree: true);
        await holder.WaitForExitAsync();
        await holder.StandardOutput.ReadToEndAsync();

        run.Lock().Dispose();
    }

    [Fact]
    public void A_folder_that_vanished_cannot_be_locked()
    {
        RunFolder run = RunFolder.Create(Root, "tiny");
        Directory.Delete(run.FullPath, recursive: true);

        run.Invoking(gone => gone.Lock()).Should().Throw<IotaException>().Which.ExitCode.Should().Be(ExitCode.Environment);
    }
}
