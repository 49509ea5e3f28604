using System.Diagnostics;
using System.Net;
using System.Text.Json;
using IotaOrleans.ClusterTests.Storage;
using IotaOrleans.Host.Storage;

namespace IotaOrleans.ClusterTests.CommandLine;

/// <summary>The real program with PostgreSQL behind it: silos find each other there, and state, receipts and payouts are kept there.</summary>
[Collection(ProgramGroup.Name)]
public sealed class StoreTests(ProgramFolder folder, PostgresServer server) : IClassFixture<ProgramFolder>, IClassFixture<PostgresServer>
{
    [Fact]
    public async Task Silos_that_find_each_other_in_PostgreSQL_train_the_same_model()
    {
        var store = server.NewDatabase();

        var plain = await IotaProcess.RunAsync(folder.Path, ProgramFolder.Train("plain", "--quiet", "--no-http"));
        var stored = await IotaProcess.RunAsync(folder.Path, [Variable(store), .. ProgramFolder.Train("stored", "--no-http", "--silos", "2")]);

        stored.ExitCode.Should().Be(0, stored.ToString());
        stored.Errors.Should().Contain($"store: {store}");
        stored.Events()[^1].GetProperty("validationLoss").GetDouble().Should().Be(plain.Events()[^1].GetProperty("validationLoss").GetDouble());
        PostgresServer.Scalar(store, "SELECT COUNT(*) FROM ClusterMembers").Should().Be(3L, "a control silo and two for miners");
        PostgresServer.Scalar(store, "SELECT COUNT(*) FROM Settlements WHERE Run = 'stored'").Should().Be(3L);
        File.Exists(folder.In("runs/plain/state.db")).Should().BeTrue();
        File.Exists(folder.In("runs/stored/state.db")).Should().BeFalse();

        var why = await IotaProcess.RunAsync(folder.Path, [Variable(store), "why", "miner-1", "--epoch", "1"]);
        why.Output.Should().Equal("run stored, epoch 1: miner-1 was paid 500,000", "  10 of 20 counted backward passes, on stage 0: 50.0 % of 1,000,000.");
        var recomputed = await IotaProcess.RunAsync(folder.Path, "rewards", "recompute", "--run", "stored", "--store", store.Url);
        recomputed.Output.Should().Equal("run stored: 3 epochs, 3,000,000 emitted = 3,000,000 paid + 0 burned; every payout follows from the ledger");

        var resumed = await IotaProcess.RunAsync(folder.Path, [Variable(store), "train", "--resume", "stored", "--steps", "14", "--stages", "3", "--json", "--no-http", "--sample-tokens", "0"]);
        resumed.ExitCode.Should().Be(0, resumed.ToString());
        resumed.Events()[^1].GetProperty("step").GetInt64().Should().Be(14);
        PostgresServer.Scalar(store, "SELECT string_agg(Step::text, ' ' ORDER BY Number) FROM Checkpoints WHERE Run = 'stored' AND ValidationLoss > 0 AND WrittenAt > now() - interval '1 hour'").Should().Be("6 12 14");
        var replayed = await IotaProcess.RunAsync(folder.Path, Variable(store), "replay", "stored");
        replayed.ExitCode.Should().Be(0, replayed.ToString());

        // What began with a file goes on with a database.
        var moved = await IotaProcess.RunAsync(folder.Path, [Variable(store), "train", "--resume", "plain", "--steps", "14", "--json", "--no-http", "--sample-tokens", "0"]);
        moved.ExitCode.Should().Be(0, moved.ToString());
        moved.Events()[0].GetProperty("step").GetInt64().Should().Be(12);
        moved.Events()[^1].GetProperty("validationLoss").GetDouble().Should().BeApproximately(resumed.Events()[^1].GetProperty("validationLoss").GetDouble(), 1e-5);
    }

    [Fact]
    public async Task A_miner_whose_role_shows_it_nothing_but_the_silos_works_for_a_run()
    {
        var store = server.NewDatabase();
        (await IotaProcess.RunAsync(folder.Path, Variable(store), "db", "migrate")).ExitCode.Should().Be(0);
        PostgresServer.Scalar(store, "DO $$ BEGIN CREATE ROLE guest LOGIN IN ROLE iota_miner; CREATE ROLE keeper LOGIN IN ROLE iota_control; END $$");

        using var run = IotaProcess.Start(folder.Path, [Variable(server.As(store, "keeper")), .. ProgramFolder.Train("guests", "--remote-miners", "ada,bob")]);
        const string Invitation = "join: iota join --store URL ";
        var arguments = (await run.WaitForErrorAsync(Invitation))[Invitation.Length..].Split(' ')[..^2];
        using var both = IotaProcess.Start(folder.Path, [Variable(server.As(store, "guest")), "join", .. arguments, "--miner", "ada,bob"]);
        var result = await run.EndAsync();

        result.ExitCode.Should().Be(0, result.ToString());
        result.Events()[^1].GetProperty("rewards").EnumerateArray().Select(reward => reward.GetProperty("miner").GetString()).Should().Equal("ada", "bob");
        both.Signal(IotaProcess.Interrupt);
        await both.EndAsync();
    }

    [Fact]
    public async Task Training_goes_on_for_a_minute_without_PostgreSQL_and_nothing_is_lost()
    {
        const int EpochSteps = 100;
        const int Passes = EpochSteps * 2 * 2;
        var store = server.NewDatabase();
        using var run = IotaProcess.Start(folder.Path, [Variable(store), .. ProgramFolder.Train(
            "patient", "--steps", "1000000", "--epoch-steps", $"{EpochSteps}", "--evaluation-interval", "1000000", "--checkpoint-interval", "250", "--silos", "1")]);
        const string Page = "page: ";
        var page = (await run.WaitForErrorAsync(Page))[Page.Length..];
        var settled = (await run.WaitForAsync("epoch", times: 2)).GetProperty("settlement").GetProperty("epoch").GetInt64();
        var before = (await run.WaitForAsync("step")).GetProperty("step").GetInt64();

        server.Stop();
        long during;
        try
        {
            // Longer than any call between silos may take.
            var clock = Stopwatch.StartNew();
            do
            {
                during = (await run.WaitForAsync("step")).GetProperty("step").GetInt64();
            }
            while (clock.Elapsed < TimeSpan.FromSeconds(60));
            var status = await IotaProcess.RunAsync(folder.Path, "status");
            status.Text.ReplaceLineEndings(" ").Should().Contain($"patient: {store} does not answer, since ");
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
            using var ready = await client.GetAsync(new Uri(new Uri(page), "health/ready"));
            ready.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        }
        finally
        {
            server.Start();
        }

        (during - before).Should().BeGreaterThan(3 * EpochSteps, "several epochs had to be settled meanwhile");
        while (settled < (during / EpochSteps) + 1)
        {
            var epoch = (await run.WaitForAsync("epoch")).GetProperty("settlement");
            epoch.GetProperty("epoch").GetInt64().Should().Be(++settled, "none is left out");
        }

        run.Signal(IotaProcess.Interrupt);
        var result = await run.EndAsync();
        result.ExitCode.Should().Be(0, result.ToString());
        result.Errors.Where(line => line.Contains("does not answer")).Should().ContainSingle().Which.Should().Contain("training goes on, and what has to be stored waits");
        result.Errors.Where(line => line.Contains("can be used again")).Should().ContainSingle();
        var steps = result.Events()[^1].GetProperty("step").GetInt64();
        // What was paid, and what will be paid when the run goes on: each pass once.
        PostgresServer.Scalar(store, "SELECT COUNT(*) FROM Receipts WHERE Kind = 1").Should().Be(4 * steps);
        PostgresServer.Scalar(store, $"SELECT COUNT(*) FROM (SELECT SUM(BackwardPasses) AS Passes FROM Payouts GROUP BY Epoch) AS epoch WHERE Passes <> {Passes}").Should().Be(0L);
        PostgresServer.Scalar(store, "SELECT COUNT(*) = MAX(Epoch) + 1 FROM Settlements").Should().Be(true);
        var recomputed = await IotaProcess.RunAsync(folder.Path, Variable(store), "rewards", "recompute", "--run", "patient");
        recomputed.Text.Should().EndWith("every payout follows from the ledger");
    }

    [Theory]
    [InlineData("exact", false)]
    [InlineData("exact", true)]
    [InlineData("elastic", false)]
    [InlineData("elastic", true)]
    public async Task Epochs_that_a_killed_run_had_not_settled_are_settled_when_it_goes_on(string mode, bool atTheEnd)
    {
        const int EpochSteps = 10;
        const int CheckpointInterval = 20;
        var steps = atTheEnd ? 100 : 160;
        var store = server.NewDatabase();
        var run = $"killed-{mode}-{steps}";
        string[] train = [Variable(store), .. ProgramFolder.Train(
            run, "--mode", mode, "--miners", "2", "--silos", "1", "--steps", $"{steps}", "--epoch-steps", $"{EpochSteps}", "--evaluation-interval", $"{steps}", "--checkpoint-interval", $"{CheckpointInterval}", "--no-http")];
        long checkpoint;
        using (var killed = IotaProcess.Start(folder.Path, train))
        {
            await killed.WaitForAsync("step");
            // An epoch is settled, and its miners are told, one after the other: while this one cannot be, later epochs stay open.
            await using (await PostgresServer.HoldAsync(store, "SELECT 1 FROM GrainState WHERE GrainIdExtensionString = 'miner/miner-1' FOR UPDATE"))
            {
                var begun = DateTimeOffset.UtcNow;
                JsonElement held;
                do
                {
                    // The program may be far ahead of who reads its lines.
                    held = await killed.WaitForAsync("step");
                }
                while (held.GetProperty("at").GetDateTimeOffset() < begun);

                do
                {
                    checkpoint = (await killed.WaitForAsync("checkpoint")).GetProperty("step").GetInt64();
                }
                while (atTheEnd ? checkpoint < steps : checkpoint < held.GetProperty("step").GetInt64() + (4 * EpochSteps));

                killed.Kill(withChildren: true);
            }
        }

        PostgresServer.Scalar(store, $"SELECT MAX(Epoch) + 1 < {checkpoint / EpochSteps} FROM Settlements").Should().Be(true, "otherwise nothing is left open by the kill");

        var continued = await IotaProcess.RunAsync(folder.Path, [.. train, "--continue"]);

        continued.ExitCode.Should().Be(0, continued.ToString());
        var events = continued.Events();
        events[^1].GetProperty("step").GetInt64().Should().Be(steps);
        PostgresServer.Scalar(store, "SELECT string_agg(Epoch::text, ' ' ORDER BY Epoch) FROM Settlements").Should().Be(string.Join(' ', Enumerable.Range(0, steps / EpochSteps)));
        // All that was done is paid, to the miner's own record as well, and everybody was told.
        var paid = PostgresServer.Scalar(store, "SELECT SUM(Paid)::bigint FROM Payouts WHERE Miner = 'miner-1'");
        events[^1].GetProperty("rewards").EnumerateArray().Where(reward => reward.GetProperty("miner").GetString() == "miner-1").Sum(reward => reward.GetProperty("paid").GetInt64()).Should().Be((long)paid!);
        PostgresServer.Scalar(store, "SELECT convert_from(PayloadBinary, 'UTF8')::jsonb -> 'Miner' ->> 'Earned' FROM GrainState WHERE GrainIdExtensionString = 'miner/miner-1'").Should().Be($"{paid}");
        foreach (var command in new[] { "audit", "replay" })
        {
            var checkedAgain = await IotaProcess.RunAsync(folder.Path, Variable(store), command, run);
            checkedAgain.ExitCode.Should().Be(0, checkedAgain.ToString());
        }

        var again = await IotaProcess.RunAsync(folder.Path, [.. train, "--continue"]);
        again.Errors.Should().Equal($"run {run} has finished: there is nothing to continue");
    }

    [Fact]
    public async Task The_schema_is_shown_and_made()
    {
        var store = server.NewDatabase();

        var before = await IotaProcess.RunAsync(folder.Path, Variable(store), "db", "status");
        var migrated = await IotaProcess.RunAsync(folder.Path, Variable(store), "db", "migrate");
        var again = await IotaProcess.RunAsync(folder.Path, Variable(store), "db", "migrate");
        var after = await IotaProcess.RunAsync(folder.Path, Variable(store), "db", "status");

        before.ExitCode.Should().Be(1);
        before.Output.Should().Contain("001-cluster          missing").And.Contain($"{store} is not up to date: 'iota db migrate', as its owner, makes it so");
        migrated.Output.Should().Equal("applied 001-cluster", "applied 002-ledger", "applied 003-roles", "applied 004-events", $"{store} is up to date");
        again.Output.Should().Equal($"{store} lacks nothing");
        after.ExitCode.Should().Be(0);
        after.Output.Should().HaveCount(5).And.NotContain(line => line.Contains("missing"));
    }

    [Theory]
    [InlineData("nonsense://ada:secret@db.example/iota", 2, "IOTA_STORE is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    [InlineData("postgres://ada:secret@127.0.0.1:1/iota", 5, "postgres://127.0.0.1:1/iota cannot be used: ")]
    public async Task A_store_that_cannot_be_used_is_one_line_without_its_password(string url, int exitCode, string message)
    {
        foreach (var command in new[] { ProgramFolder.Train("storeless", "--no-http"), ["serve", "--http-port", "0", "--silo-port", "0"], ["join", "--miner", "ada"], ["db", "status"], ["why", "ada"] })
        {
            var result = await IotaProcess.RunAsync(folder.Path, [$"IOTA_STORE={url}", .. command]);

            (result.ExitCode, command[0]).Should().Be((exitCode, command[0]), result.ToString());
            result.Errors[^1].Should().StartWith($"error: {message}");
            result.ToString().Should().NotContain("secret");
        }
    }

    private static string Variable(StoreAddress store) => $"IOTA_STORE={store.Url}";
}
