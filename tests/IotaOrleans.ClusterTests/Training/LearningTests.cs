using IotaOrleans.ClusterTests.CommandLine;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>The whole thing once, as a person would run it, on real text. Runs where tinyshakespeare.txt is found.</summary>
[Collection(ProgramGroup.Name)]
public sealed class LearningTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    [Fact]
    public async Task Two_stages_learn_Shakespeare()
    {
        if (Shakespeare() is not { } text)
        {
            return;
        }

        using var folder = new ProgramFolder();
        using var program = IotaProcess.Start(
            folder.Path, "train", "--data", text, "--tokenizer", "characters", "--preset", "nano", "--steps", "2000", "--stages", "2", "--json");

        var last = await program.WaitForAsync("step", times: 2000, Patience);
        var finished = await program.WaitForAsync("finished");

        last.GetProperty("step").GetInt64().Should().Be(2000);

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
