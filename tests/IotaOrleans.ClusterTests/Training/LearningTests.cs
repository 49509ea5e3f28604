using IotaOrleans.ClusterTests.CommandLine;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>The whole thing once, as a person would run it, on real text. Runs where tinyshakespeare.txt is found.</summary>
[Collection(ProgramGroup.Name)]
public sealed class LearningTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    [Fact]
    public async Task Two_stages_learn_Shakespeare_in_flat_memory()
    {
        if (Shakespeare() is not { } text)
        {
            return;
        }

        using var folder = new ProgramFolder();
        using var program = IotaProcess.Start(
            folder.Path, "train", "--data", text, "--tokenizer", "characters", "--preset", "nano", "--steps", "2000", "--stages", "2", "--json");

        await program.WaitForAsync("step", times: 200, Patience);
        var early = program.ResidentBytes();
        var last = await program.WaitForAsync("step", times: 1800, Patience);
        var late = program.ResidentBytes();
        var finished = await program.WaitForAsync("finished");

        last.GetProperty("step").GetInt64().Should().Be(2000);
        late.Should().BeLessThan(early * 11 / 10, "memory is flat from step 200, where {0:N0} bytes were resident", early);
        finished.GetProperty("validationLoss").GetDouble().Should().BeLessThanOrEqualTo(1.72);
    }

    private static string? Shakespeare()
    {
        const string Name = "tinyshakespeare.txt";
        if (Environment.GetEnvironmentVariable("IOTA_TEST_DATA") is { Length: > 0 } folder)
        {
            return Path.Combine(folder, Name);
        }

        for (var parent = new DirectoryInfo(AppContext.BaseDirectory); parent is not null; parent = parent.Parent)
        {
            var candidate = Path.Combine(parent.FullName, "shared", "data", Name);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }
}
