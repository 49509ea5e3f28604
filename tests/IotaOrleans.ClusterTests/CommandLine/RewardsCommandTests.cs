using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace IotaOrleans.ClusterTests.CommandLine;

/// <summary>What a real run paid, asked for, computed again and exported by the real program.</summary>
[Collection(ProgramGroup.Name)]
public sealed class RewardsCommandTests : IDisposable
{
    private readonly ProgramFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Payouts_are_explained_computed_again_and_exported()
    {
        (await RunAsync(ProgramFolder.Train("paid", "--burn", "0.1", "--emission", "1000"))).Code.Should().Be(0);

        var why = await RunAsync("why", "miner-1", "--epoch", "1");
        why.Code.Should().Be(0);
        why.Lines.Should().Equal("run paid, epoch 1: miner-1 was paid 450", "  10 of 20 counted backward passes, on stage 0: 50.0 % of 900.");

        var recomputed = await RunAsync("rewards", "recompute");
        recomputed.Code.Should().Be(0);
        recomputed.Lines.Should().Equal("run paid: 3 epochs, 3,000 emitted = 2,700 paid + 300 burned; every payout follows from the ledger");

        var audited = await RunAsync("audit", "paid");
        (audited.Code, audited.Lines).Should().BeEquivalentTo((0, new[] { "run paid: 3 settled epochs, 48 backward passes, lost 0, doubled 0, forfeited 0; 0 signatures checked, 48 receipts by the plan; in order" }));

        var csv = (await RunAsync("rewards", "export", "--format", "csv")).Lines;
        csv.Should().HaveCount(7);
        csv[1].Should().StartWith("paid,0,miner-1,0,10,").And.Contain(",450,\"10 of 20 counted");

        var weights = (await RunAsync("rewards", "export", "--format", "weights")).Lines;
        weights.Should().Equal("{\"uids\":[0,1],\"values\":[65535,65535]}");
        File.WriteAllText(_folder.In("uids.csv"), "miner-1,17\nminer-2,3\n");
        (await RunAsync("rewards", "export", "--format", "weights", "--uids", "uids.csv")).Lines.Should().Equal("{\"uids\":[3,17],\"values\":[65535,65535]}");

        var nobody = await RunAsync("why", "mallory");
        (nobody.Code, nobody.Error).Should().Be((2, "error: run paid has no payslip of mallory; there are some of miner-1, miner-2"));
    }

    [Fact]
    public async Task Of_whom_nothing_was_counted_it_is_said_why()
    {
        (await RunAsync(ProgramFolder.Train("refused", "--mode", "elastic", "--miners", "6", "--adversary", "no-number:1"))).Code.Should().Be(0);

        var why = await RunAsync("why", "miner-6");

        why.Error.Should().MatchRegex("^error: run refused has no payslip of miner-6, as none of its work was counted; it was lost: segment 0 of stage 1 was found to be wrong: .+");
    }

    [Fact]
    public async Task A_payout_that_was_changed_by_hand_is_found()
    {
        (await RunAsync(ProgramFolder.Train("forged"))).Code.Should().Be(0);
        using (var connection = new SqliteConnection($"Data Source={_folder.In("runs/forged/state.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE Payouts SET Paid = Paid + 1 WHERE Epoch = 0 AND Miner = 'miner-2'";
            command.ExecuteNonQuery().Should().Be(1);
        }

        var recomputed = await RunAsync("rewards", "recompute", "--json");

        recomputed.Code.Should().Be(1);
        using var found = JsonDocument.Parse(recomputed.Lines[^1]);
        found.RootElement.GetProperty("differences").EnumerateArray().Select(difference => difference.GetString())
            .Should().Contain("epoch 0: miner-2 was paid 500,001 for stage 1, the ledger says 500,000");
        var audited = await RunAsync("audit");
        audited.Code.Should().Be(1);
        audited.Lines.Should().Contain("epoch 0: 1,000,001 paid and 0 burned are not the 1,000,000 that were emitted");
    }

    [Fact]
    public async Task Lost_and_forged_receipts_are_found()
    {
        (await RunAsync(ProgramFolder.Train("signed", "--mode", "elastic", "--miners", "4", "--steps", "20"))).Code.Should().Be(0);
        var sound = await RunAsync("audit", "signed", "--json");
        sound.Code.Should().Be(0, sound.Lines[^1]);
        var findings = Findings(sound.Lines[^1]);
        (findings.GetProperty("lost").GetInt64(), findings.GetProperty("doubled").GetInt64()).Should().Be((0, 0));
        findings.GetProperty("segments").GetInt32().Should().BeGreaterThan(0);
        findings.GetProperty("unsigned").GetInt64().Should().Be(0);

        Change("UPDATE Segments SET Signature = zeroblob(64) WHERE Name = (SELECT Segment FROM Receipts WHERE Segment IS NOT NULL ORDER BY Segment LIMIT 1)");

        var forged = await RunAsync("audit", "signed", "--json");
        forged.Code.Should().Be(1);
        Findings(forged.Lines[^1]).GetProperty("violations").EnumerateArray().Should().ContainSingle().Which.GetString().Should().EndWith("and its signature is wrong");

        Change("DELETE FROM Receipts WHERE Kind = 1 AND Stage = 1 AND Number = 3");
        Findings((await RunAsync("audit", "signed", "--json")).Lines[^1]).GetProperty("lost").GetInt64().Should().Be(1);

        (await RunAsync(ProgramFolder.Train("planned"))).Code.Should().Be(0);
        Change("DELETE FROM Receipts WHERE Stage = 1 AND Number = 3", "planned");
        var lost = await RunAsync("audit", "planned", "--json");
        lost.Code.Should().Be(1);
        Findings(lost.Lines[^1]).GetProperty("violations").EnumerateArray().Select(violation => violation.GetString()).Should().Contain("stage 1 has no receipt of 1 of the 24 micro-batches");
    }

    private void Change(string statement, string run = "signed")
    {
        using var connection = new SqliteConnection($"Data Source={_folder.In($"runs/{run}/state.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = statement;
        command.ExecuteNonQuery().Should().BeGreaterThan(0);
    }

    private static JsonElement Findings(string line) => JsonDocument.Parse(line).RootElement.GetProperty("findings");

    private async Task<(int Code, string[] Lines, string Error)> RunAsync(params string[] arguments)
    {
        var result = await IotaProcess.RunAsync(_folder.Path, arguments);
        return (result.ExitCode, [.. result.Output], result.Errors is [.., var last] ? last : "");
    }
}
