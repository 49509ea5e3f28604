using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Tests.Checkpoints;

public sealed class CheckpointStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointStore _store;

    public CheckpointStoreTests() => _store = new CheckpointStore(_folder.File("checkpoints"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_checkpoint_is_listed_described_and_sound()
    {
        var path = await WriteAsync(100);
        var description = Description(200) with { Position = new LedgerPosition(17, [3, 5]), ValidationLoss = 1.5 };
        var newer = await _store.WriteAsync(description, FillAsync);

        _store.List().Should().Equal(newer, path);
        _store.FindLatest().Should().Be(newer);
        File.ReadAllText(_folder.File("checkpoints/latest")).Should().Be("step-00000200\n");
        FolderSums.FindDamage(newer).Should().BeNull();
        CheckpointDescription.Read(newer).Should().BeEquivalentTo(description);
        Directory.EnumerateFileSystemEntries(_folder.File("checkpoints")).Should().HaveCount(3, "two checkpoints and what names the latest");
    }

    [Fact]
    public async Task Every_flipped_bit_of_every_file_is_found_and_the_file_is_named()
    {
        var path = await WriteAsync(1);
        foreach (var file in Directory.EnumerateFiles(path))
        {
            var sound = File.ReadAllBytes(file);
            for (var bit = 0; bit < 8 * sound.Length; bit++)
            {
                var damaged = (byte[])sound.Clone();
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                File.WriteAllBytes(file, damaged);
                var damage = FolderSums.FindDamage(path);
                damage.Should().NotBeNull($"bit {bit} of {file} is another").And.NotContain("\n");
                if (Path.GetFileName(file) != FolderSums.FileName)
                {
                    damage.Should().StartWith($"{file}: is damaged");
                }
            }

            File.WriteAllBytes(file, sound);
        }

        FolderSums.FindDamage(path).Should().BeNull("all is as it was");
    }

    [Fact]
    public async Task Every_truncation_of_every_file_is_found()
    {
        var path = await WriteAsync(1);
        foreach (var file in Directory.EnumerateFiles(path))
        {
            var sound = File.ReadAllBytes(file);
            for (var length = 0; length < sound.Length; length++)
            {
                File.WriteAllBytes(file, sound[..length]);
                FolderSums.FindDamage(path).Should().StartWith(Path.GetFileName(file) == FolderSums.FileName ? path : $"{file}: is damaged");
            }

            File.Delete(file);
            FolderSums.FindDamage(path).Should().StartWith($"{file}: is missing");
            File.WriteAllBytes(file, sound);
        }
    }

    [Fact]
    public async Task A_file_that_does_not_belong_there_is_found()
    {
        var path = await WriteAsync(1);
        File.WriteAllText(Path.Combine(path, "stranger"), "x");

        FolderSums.FindDamage(path).Should().Be($"{Path.Combine(path, "stranger")}: is not in SHA256SUMS");
        FolderSums.FindDamage(_folder.File("nowhere")).Should().Be($"{_folder.File("nowhere")}: there is no such folder");
    }

    [Fact]
    public async Task What_cannot_be_written_leaves_nothing_and_the_one_before_stands()
    {
        var before = await WriteAsync(1);

        await FluentActions.Awaiting(() => _store.WriteAsync(Description(2), _ => throw new IOException("No space left on device", /* ENOSPC */ 28))).Should().ThrowAsync<IotaException>()
            .Where(failure => failure.ExitCode == ExitCode.Environment && failure.Message.Contains("no space left on"));

        _store.List().Should().Equal(before);
        _store.FindLatest().Should().Be(before);
        Directory.EnumerateFileSystemEntries(_folder.File("checkpoints")).Should().HaveCount(2);
    }

    [Fact]
    public async Task What_a_killed_process_left_behind_is_no_checkpoint_and_goes_with_the_next()
    {
        Directory.CreateDirectory(_folder.File("checkpoints/.step-00000007.abc.tmp"));
        _store.List().Should().BeEmpty();
        _store.FindLatest().Should().BeNull();

        var path = await WriteAsync(8);

        Directory.EnumerateDirectories(_folder.File("checkpoints")).Should().Equal(path);
    }

    [Fact]
    public async Task Old_ones_are_removed_but_not_what_the_run_can_go_on_from()
    {
        foreach (var step in (long[])[1, 2, 3, 4, 5])
        {
            await WriteAsync(step);
        }

        var all = _store.List();
        _store.Prune(4).Should().Equal(all[4]);
        File.WriteAllText(_folder.File("checkpoints/latest"), "step-00000002\n");
        _store.FindLatest().Should().Be(all[3]);

        _store.Prune(1, sound: all[2]).Should().Equal(all[1]);

        _store.List().Should().Equal(all[0], all[2], all[3]);
    }

    private Task<string> WriteAsync(long step) => _store.WriteAsync(Description(step), FillAsync);

    private static Task FillAsync(string folder)
    {
        File.WriteAllText(Path.Combine(folder, "model.safetensors"), "weights");
        File.WriteAllText(Path.Combine(folder, "optimizer.safetensors"), "moments");
        return Task.CompletedTask;
    }

    private static CheckpointDescription Description(long step) => new()
    {
        Run = "run",
        Step = step,
        Epoch = 3,
        Seconds = 12.5,
        At = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
    };
}
