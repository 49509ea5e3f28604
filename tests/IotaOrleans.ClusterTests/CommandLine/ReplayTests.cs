using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace IotaOrleans.ClusterTests.CommandLine;

/// <summary>Whether the journal of a run explains what is stored of it.</summary>
[Collection(ProgramGroup.Name)]
public sealed class ReplayTests(ProgramFolder folder) : IClassFixture<ProgramFolder>
{
    [Theory]
    [InlineData("exact")]
    [InlineData("elastic")]
    public async Task TheJournalExplainsTheStoredStateAndWhatIsTakenFromItIsMissed(string mode)
    {
        (await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train(mode, "--mode", mode, "--no-http"))).ExitCode.Should().Be(0);

        var now = await IotaProcess.RunAsync(folder.Path, "replay", mode, "--json");
        now.ExitCode.Should().Be(0, now.ToString());
        var found = JsonDocument.Parse(now.Output[^1]).RootElement;
        found.GetProperty("compared").GetInt32().Should().Be(5);
        var state = found.GetProperty("state");
        state.GetProperty("phase").GetString().Should().Be("finished");
        state.GetProperty("point").GetProperty("step").GetInt64().Should().Be(12);
        state.GetProperty("epochs").GetArrayLength().Should().Be(3);
        state.GetProperty("stages").EnumerateArray().Select(stage => stage.GetProperty("canonicalStep").GetInt64()).Should().Equal(12, 12);

        var then = await IotaProcess.RunAsync(folder.Path, "replay", mode, "--to", "11");
        then.ExitCode.Should().Be(0, then.ToString());
        then.Output.Should().ContainSingle(line => line.Contains("point   as stored: {\"step\":6,"));

        var missing = await IotaProcess.RunAsync(folder.Path, "replay", mode, "--to", "-1");
        missing.ExitCode.Should().Be((int)ExitCode.Usage);

        Scalar(mode, "SELECT group_concat(Step, ' ') FROM (SELECT Step FROM Checkpoints WHERE ValidationLoss > 0 ORDER BY Number)").Should().Be("6 12");
        Execute(mode, "DELETE FROM Events WHERE Step = 12 AND Event LIKE '%\"event\":\"checkpoint\"%'").Should().Be(1);
        var tampered = await IotaProcess.RunAsync(folder.Path, "replay", mode);
        tampered.ExitCode.Should().Be((int)ExitCode.Failed, tampered.ToString());
        tampered.Output.Should().ContainSingle(line => line.StartsWith("  point   the journal gives {\"step\":6,", StringComparison.Ordinal));
        tampered.Output[^1].Should().Be("2 parts of what is stored do not follow from the journal");

        Execute(mode, "UPDATE Events SET Event = substr(Event, 1, 20) WHERE Number = 1").Should().Be(1);
        var broken = await IotaProcess.RunAsync(folder.Path, "replay", mode);
        broken.ExitCode.Should().Be((int)ExitCode.RunState);
        broken.Errors.Should().ContainSingle().Which.Should().Contain("event 1 of the journal cannot be read");
    }

    private int Execute(string run, string text) => With(run, text, command => command.ExecuteNonQuery());

    private object? Scalar(string run, string text) => With(run, text, command => command.ExecuteScalar());

    private T With<T>(string run, string text, Func<SqliteCommand, T> use)
    {
        using var connection = new SqliteConnection($"Data Source={folder.In($"runs/{run}/state.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = text;
        return use(command);
    }
}
