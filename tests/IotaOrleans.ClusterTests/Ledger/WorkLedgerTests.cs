using System.Security.Cryptography;
using IotaOrleans.ClusterTests.Storage;
using IotaOrleans.Grains.Rewards;
using IotaOrleans.Host.Storage;
using IotaOrleans.Protocol.Validation;
using IotaOrleans.Tests;

namespace IotaOrleans.ClusterTests.Ledger;

/// <summary>What every ledger keeps to, wherever it stores.</summary>
public abstract class WorkLedgerTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(1));
    private protected static readonly RewardPolicy Policy = new() { Emission = 1_000 };

    private protected abstract IWorkLedger Ledger { get; }

    [Fact]
    public async Task Work_has_one_receipt_whoever_asks_and_however_often()
    {
        (await Ledger.AppendAsync([Receipt("ada", 1), Receipt("ada", 2)])).Should().Be(2);
        (await Ledger.AppendAsync([Receipt("ada", 2), Receipt("eve", 2), Receipt("bob", 3)])).Should().Be(1);

        var settlement = await Ledger.SettleAsync("run", 0, Policy, At);

        settlement.Payslips.Select(slip => (slip.Miner, slip.BackwardPasses)).Should().Equal(("ada", 2), ("bob", 1));
    }

    [Fact]
    public async Task An_epoch_is_settled_once_and_kept_to_the_last_letter()
    {
        await Ledger.AppendAsync([Receipt("ada", 1), Receipt("bob", 2, stage: 1), Receipt("bob", 3, stage: 1)]);
        (await Ledger.FindAsync("run", 0)).Should().BeNull();

        var first = await Ledger.SettleAsync("run", 0, Policy, At);
        var second = await Ledger.SettleAsync("run", 0, Policy with { Emission = 5 }, At.AddDays(1));

        first.Payslips.Sum(slip => slip.Paid).Should().Be(1_000);
        second.Should().BeEquivalentTo(first);
        (await Ledger.FindAsync("run", 0)).Should().BeEquivalentTo(first);
        (await Ledger.RecomputeAsync("run", 0)).Should().BeEquivalentTo(first);
        (await Ledger.ListAsync("run")).Should().Equal(0);
        (await Ledger.ListAsync("other")).Should().BeEmpty();
    }

    [Fact]
    public async Task Settlers_at_the_same_time_get_the_same_settlement()
    {
        await Ledger.AppendAsync([.. Enumerable.Range(0, 100).Select(number => Receipt($"miner-{number % 7}", number))]);

        var settlements = await Task.WhenAll(Enumerable.Range(1, 8).Select(emission => Ledger.SettleAsync("run", 0, Policy with { Emission = 100 * emission }, At)));

        settlements.Should().AllSatisfy(settlement => settlement.Should().BeEquivalentTo(settlements[0]));
    }

    [Fact]
    public async Task Work_that_comes_after_its_epoch_was_settled_is_paid_in_the_next_one()
    {
        await Ledger.AppendAsync([Receipt("ada", 1)]);
        var closed = await Ledger.SettleAsync("run", 0, Policy, At);

        await Ledger.AppendAsync([Receipt("bob", 2)]);
        var next = await Ledger.SettleAsync("run", 1, Policy, At);

        next.Payslips.Should().ContainSingle().Which.Miner.Should().Be("bob");
        (await Ledger.RecomputeAsync("run", 0)).Should().BeEquivalentTo(closed, "what is settled does not change");
    }

    [Fact]
    public async Task Earlier_epochs_count_as_long_as_the_window_is()
    {
        var policy = Policy with { Window = 2 };
        await Ledger.AppendAsync([Receipt("ada", 1), Receipt("bob", 2)]);
        await Ledger.SettleAsync("run", 0, policy, At);
        await Ledger.AppendAsync([Receipt("bob", 3, epoch: 1), Receipt("bob", 4, epoch: 1)]);
        var second = await Ledger.SettleAsync("run", 1, policy, At);
        await Ledger.AppendAsync([Receipt("bob", 5, epoch: 2)]);
        var third = await Ledger.SettleAsync("run", 2, policy, At);

        second.Payslips.Select(slip => (slip.Miner, slip.BackwardPasses, slip.Paid)).Should().Equal(("ada", 0, 250), ("bob", 2, 750));
        third.Payslips.Select(slip => (slip.Miner, slip.Paid)).Should().Equal(("bob", 1_000));
        (await Ledger.RecomputeAsync("run", 1)).Should().BeEquivalentTo(second);
    }

    [Fact]
    public async Task A_penalty_takes_the_pay_of_its_epochs_and_its_words_are_the_reason()
    {
        var penalty = new Penalty("run", "eve", 0, 1, "The output of micro-batch 7 was not what its weights give.");
        await Ledger.PenaliseAsync(penalty);
        await Ledger.PenaliseAsync(penalty);
        await Ledger.AppendAsync([Receipt("ada", 1), Receipt("eve", 2), Receipt("ada", 3, epoch: 1), Receipt("eve", 4, epoch: 1)]);

        var punished = await Ledger.SettleAsync("run", 0, Policy, At);
        var forgiven = await Ledger.SettleAsync("run", 1, Policy, At);

        punished.Payslips.Select(slip => (slip.Miner, slip.Paid)).Should().Equal(("ada", 1_000), ("eve", 0));
        punished.Payslips[1].Reason.Should().Be(penalty.Reason);
        forgiven.Payslips.Select(slip => (slip.Miner, slip.Paid)).Should().Equal(("ada", 500), ("eve", 500));
    }

    [Fact]
    public async Task A_penalty_does_not_reach_into_epochs_that_are_settled()
    {
        await Ledger.AppendAsync([Receipt("eve", 1)]);
        var closed = await Ledger.SettleAsync("run", 0, Policy, At);

        await Ledger.PenaliseAsync(new Penalty("run", "eve", 0, 2, "Found late."));
        await Ledger.AppendAsync([Receipt("eve", 2, epoch: 1)]);

        (await Ledger.RecomputeAsync("run", 0)).Should().BeEquivalentTo(closed);
        (await Ledger.SettleAsync("run", 1, Policy, At)).Burned.Should().Be(1_000);
    }

    [Fact]
    public async Task Steps_and_cells_have_a_receipt_for_each_miner_and_are_not_what_is_paid()
    {
        (await Ledger.AppendAsync(
        [
            Receipt("ada", 1), Receipt("ada", 1) with { Kind = ReceiptKind.Step }, Receipt("bob", 1) with { Kind = ReceiptKind.Step },
            Receipt("ada", 1) with { Kind = ReceiptKind.MergedCell }, Receipt("bob", 1) with { Kind = ReceiptKind.MergedCell }, Receipt("bob", 1) with { Kind = ReceiptKind.Step },
        ])).Should().Be(5);

        (await Ledger.SettleAsync("run", 0, Policy, At)).Payslips.Select(slip => (slip.Miner, slip.BackwardPasses, slip.Paid)).Should().Equal(("ada", 1, 1_000));
    }

    [Fact]
    public async Task What_is_forfeited_is_written_down_and_not_paid()
    {
        await Ledger.AppendAsync([Receipt("bob", 1), Receipt("ada", 2) with { Kind = ReceiptKind.Forfeited }, Receipt("cid", 1, epoch: 1)]);

        (await Ledger.SettleAsync("run", 0, Policy, At)).Payslips.Select(slip => (slip.Miner, slip.Paid)).Should().Equal(("bob", 1_000));
        (await Ledger.MinersAsync("run", 0)).Should().Equal("ada", "bob");
        (await Ledger.ReceiptsAsync("run", 0, "ada")).Should().ContainSingle().Which.Kind.Should().Be(ReceiptKind.Forfeited);
    }

    [Fact]
    public async Task What_a_miner_signed_is_kept_to_the_last_bit()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var hash = SHA256.HashData("a segment"u8);
        var seal = new SegmentSeal([.. hash], [.. key.ExportSubjectPublicKeyInfo()], [.. key.SignHash(hash)]);
        var receipt = Receipt("ada", 2) with { Input = UInt128.MaxValue, Output = 7, Version = 41, Microseconds = 1234, Segment = SegmentHash.Short(hash) };
        var forward = receipt with { Kind = ReceiptKind.Forward, Input = default };
        await Ledger.AppendAsync([receipt, forward, Receipt("bob", 3), Receipt("ada", 4, epoch: 1)], [seal]);
        await Ledger.AppendAsync([], [seal]);

        (await Ledger.ReceiptsAsync("run", 0, "ada")).Should().Equal(forward, receipt);
        var found = await Ledger.FindSealAsync(receipt.Segment);
        found.Should().BeEquivalentTo(seal);
        SegmentHash.IsSigned(found!).Should().BeTrue();
        (await Ledger.FindSealAsync(1)).Should().BeNull();
    }

    private protected static WorkReceipt Receipt(string miner, long number, int stage = 0, int epoch = 0) =>
        new() { Run = "run", Epoch = epoch, Kind = ReceiptKind.Backward, Number = number, Stage = stage, Miner = miner, Tokens = 64 };
}

/// <summary>The ledger that ends with the process.</summary>
public sealed class MemoryWorkLedgerTests : WorkLedgerTests
{
    private protected override IWorkLedger Ledger { get; } = new MemoryWorkLedger();
}

/// <summary>The ledger in a SQLite file.</summary>
public sealed class SqliteWorkLedgerTests : WorkLedgerTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteDatabase _database;

    public SqliteWorkLedgerTests()
    {
        _database = new SqliteDatabase(_folder.File("state.db"));
        _database.Create();
        Ledger = new SqliteWorkLedger(_database.DataSource);
    }

    private protected override IWorkLedger Ledger { get; }

    public void Dispose() => _folder.Dispose();
}

/// <summary>The ledger in PostgreSQL.</summary>
[Collection(PostgresGroup.Name)]
public sealed class PostgresWorkLedgerTests : WorkLedgerTests, IAsyncDisposable, IAsyncLifetime
{
    private readonly PostgresDatabase _database;

    public PostgresWorkLedgerTests(PostgresServer server)
    {
        _database = new PostgresDatabase(server.NewDatabase());
        Ledger = new PostgresWorkLedger(_database.DataSource);
    }

    private protected override IWorkLedger Ledger { get; }

    public async Task InitializeAsync() => await _database.MigrateAsync();

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task Receipts_that_come_while_epochs_are_settled_are_all_paid_once()
    {
        const int Writers = 4;
        const int Batches = 40;
        var settled = Task.Run(async () =>
        {
            for (var epoch = 0; epoch < Batches; epoch++)
            {
                await Ledger.SettleAsync("run", epoch, new RewardPolicy { Emission = 1_000 }, DateTimeOffset.UnixEpoch);
            }
        });
        // Each pass is asked for by two writers, in opposite orders: one of them has it, and neither waits for the other for ever.
        var added = await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            var count = 0;
            for (var batch = 0; batch < Batches; batch++)
            {
                var numbers = Enumerable.Range(0, 20).Select(index => (long)((20 * ((Batches * (writer / 2)) + batch)) + index));
                count += await Ledger.AppendAsync([.. (writer % 2 == 0 ? numbers : numbers.Reverse()).Select(number => Receipt($"miner-{writer}", number))], []);
            }

            return count;
        })));
        await settled;
        await Ledger.SettleAsync("run", Batches, new RewardPolicy { Emission = 1_000 }, DateTimeOffset.UnixEpoch);

        const int Passes = Writers / 2 * Batches * 20;
        added.Sum().Should().Be(Passes);
        var paid = 0L;
        foreach (var epoch in await Ledger.ListAsync("run"))
        {
            paid += (await Ledger.FindAsync("run", epoch))!.Payslips.Sum(slip => slip.BackwardPasses);
            (await Ledger.RecomputeAsync("run", epoch)).Should().BeEquivalentTo(await Ledger.FindAsync("run", epoch));
        }

        paid.Should().Be(Passes);
    }

    [Fact]
    public async Task The_run_that_was_settled_last_is_the_newest()
    {
        var ledger = (PostgresWorkLedger)Ledger;
        (await ledger.FindNewestRunAsync()).Should().BeNull();
        // Later, though it reads earlier where the clock is behind.
        await ledger.SettleAsync("late", 0, Policy, new DateTimeOffset(2026, 1, 1, 9, 30, 0, TimeSpan.FromHours(-3)));
        await ledger.SettleAsync("early", 0, Policy, new DateTimeOffset(2026, 1, 1, 11, 0, 0, TimeSpan.Zero));

        (await ledger.FindNewestRunAsync()).Should().Be("late");
    }
}
