using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Tests.Checkpoints;

public sealed class AtomicWriteTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_created_and_replaced()
    {
        AtomicFile.WriteAllText(_folder.File("a"), "old");
        AtomicFile.WriteAllText(_folder.File("a"), "ü");

        File.ReadAllBytes(_folder.File("a")).Should().Equal(0xc3, 0xbc);
        Names().Should().Equal("a");
    }

    [Fact]
    public void The_old_file_stands_until_the_new_one_is_complete()
    {
        AtomicFile.WriteAllText(_folder.File("a"), "old");
        AtomicFile.Write(_folder.File("a"), stream =>
        {
            stream.Write("new"u8);
            stream.Flush();
            File.ReadAllText(_folder.File("a")).Should().Be("old");
        });

        File.ReadAllText(_folder.File("a")).Should().Be("new");
    }

    [Fact]
    public void A_failed_write_leaves_the_old_file_and_nothing_else()
    {
        AtomicFile.WriteAllText(_folder.File("a"), "old");

        FluentActions.Invoking(() => AtomicFile.Write(_folder.File("a"), stream =>
        {
            stream.Write("half"u8);
            throw new InvalidOperationException("crash");
        })).Should().Throw<InvalidOperationException>();

        File.ReadAllText(_folder.File("a")).Should().Be("old");
        Names().Should().Equal("a");
    }

    [Fact]
    public void A_full_disk_is_named()
    {
        if (!File.Exists("/dev/full"))
        {
            return;
        }

        FluentActions.Invoking(() => AtomicFile.Write(_folder.File("a"), FillUp)).Should().Throw<IotaException>()
            .WithMessage($"{_folder.File("a")} could not be written: no space left on /*").Which.ExitCode.Should().Be(ExitCode.Environment);
        FluentActions.Invoking(() => AtomicDirectory.Write(_folder.File("a"), _ => FillUp(Stream.Null))).Should().Throw<IotaException>().WithMessage("*no space left on*");
        Names().Should().BeEmpty();

        static void FillUp(Stream ignored)
        {
            using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write);
            full.Write(new byte[8192]);
            full.Flush();
        }
    }

    [Fact]
    public void A_missing_folder_is_an_environment_failure() =>
        FluentActions.Invoking(() => AtomicFile.WriteAllText(_folder.File("absent/a"), "x")).Should().Throw<IotaException>()
            .WithMessage("*absent/a could not be written: *").Which.ExitCode.Should().Be(ExitCode.Environment);

    [Fact]
    public void A_directory_is_created_and_replaced()
    {
        AtomicDirectory.Write(_folder.File("step"), folder => File.WriteAllText(Path.Combine(folder, "old"), "1"));
        AtomicDirectory.Write(_folder.File("step/"), folder =>
        {
            Directory.CreateDirectory(Path.Combine(folder, "inner"));
            File.WriteAllText(Path.Combine(folder, "inner", "new"), "2");
        });

        Directory.EnumerateFiles(_folder.File("step"), "*", SearchOption.AllDirectories).Should().Equal(_folder.File("step/inner/new"));
        Names().Should().Equal("step");
    }

    [Fact]
    public void A_failed_directory_leaves_the_old_one_and_nothing_else()
    {
        AtomicDirectory.Write(_folder.File("step"), folder => File.WriteAllText(Path.Combine(folder, "a"), "old"));

        FluentActions.Invoking(() => AtomicDirectory.Write(_folder.File("step"), folder =>
        {
            File.WriteAllText(Path.Combine(folder, "a"), "half");
            throw new InvalidOperationException("crash");
        })).Should().Throw<InvalidOperationException>();

        File.ReadAllText(_folder.File("step/a")).Should().Be("old");
        Names().Should().Equal("step");
    }

    [Fact]
    public async Task A_replaced_directory_is_never_absent()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        string target = _folder.File("step");
        AtomicDirectory.Write(target, folder => File.WriteAllText(Path.Combine(folder, "a"), "0"));
        using var stop = new CancellationTokenSource();
        Task<bool> watcher = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                if (!Directory.Exists(target))
                {
                    return false;
                }
            }

            return true;
        });
        for (int i = 0; i < 100; i++)
        {
            AtomicDirectory.Write(target, folder => File.WriteAllText(Path.Combine(folder, "a"), $"{i}"));
        }

        await stop.CancelAsync();
        (await watcher).Should().BeTrue();
        File.ReadAllText(Path.Combine(target, "a")).Should().Be("99");
    }

    private IEnumerable<string?> Names() => Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName);
}
