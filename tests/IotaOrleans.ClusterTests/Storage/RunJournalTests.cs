using IotaOrleans.Grains.Views;
using IotaOrleans.Host.Storage;
using IotaOrleans.Protocol.Merging;
using IotaOrleans.Tests;

namespace IotaOrleans.ClusterTests.Storage;

/// <summary>What every journal keeps to, wherever it stores.</summary>
public abstract class RunJournalTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(1));

    private protected abstract IRunJournal Journal { get; }

    [Fact]
    public async Task Events_come_back_as_they_went_in_in_the_order_of_their_numbers()
    {
        RunEvent[] events =
        [
            new RunStarted { Number = 1, At = At, Run = "run", Steps = 9, Parameters = 1, TokensPerStep = 2, Stages = [new StageView(0, new BlockRange(0, 2), "ada", 1, 0)], Point = new RunPoint() },
            new CheckpointWritten { Number = 7, At = At, Step = 3, Checkpoint = "c", Point = new RunPoint { Step = 3, ValidationLoss = 0.1 + 0.2, Elapsed = TimeSpan.FromTicks(12_345_678_901), Position = new LedgerPosition(24, [20, 22]) } },
            new EpochClosed { Number = 9, At = At, Step = 3, Settlement = new EpochSettlement("run", 0, 10, 1, [new Payslip("ada", 0, 4, 5, 9, "Because; it's \"work\".")], At), AuditSecret = "00ff" },
            new StageMerged { Number = 12, At = At, Step = 4, Report = new MergeReport { Merge = new MergeId("run", 1, 2), Outcome = new MergeOutcome(MergeOutcomeKind.Merged, [], null), Version = new StageVersionName(2, UInt128.MaxValue), Contributors = ["ada"], Faulty = [], Reduced = [], Commitment = MergeCommitment.To(new MergeId("run", 1, 2), new byte[MergeCommitment.SecretBytes]), Secret = "ab", Duration = TimeSpan.FromSeconds(1) } },
            new RunFailed { Number = 13, At = At, Step = 4, Failure = "the disk is full", Checkpoint = "c" },
        ];
        await Journal.AppendAsync("run", events[3..]);
        await Journal.AppendAsync("run", events[..3]);

        (await Journal.ReadAsync("run")).Should().BeEquivalentTo(events, options => options.RespectingRuntimeTypes().WithStrictOrdering());
    }

    [Fact]
    public async Task An_event_is_kept_once_and_as_it_was_first()
    {
        await Journal.AppendAsync("run", [Failed(1, "first"), Failed(2, "second")]);
        await Journal.AppendAsync("run", [Failed(2, "another"), Failed(3, "third")]);

        (await Journal.ReadAsync("run")).Cast<RunFailed>().Select(happened => happened.Failure).Should().Equal("first", "second", "third");
    }

    [Fact]
    public async Task Runs_have_journals_of_their_own()
    {
        await Journal.AppendAsync("run", [Failed(1, "mine")]);
        await Journal.AppendAsync("other", [Failed(1, "yours")]);

        (await Journal.ReadAsync("run")).Should().ContainSingle();
        (await Journal.ReadAsync("nobody")).Should().BeEmpty();
    }

    private static RunFailed Failed(long number, string failure) => new() { Number = number, At = At, Step = 1, Failure = failure };
}

/// <summary>The journal that ends with the process.</summary>
public sealed class MemoryRunJournalTests : RunJournalTests
{
    private protected override IRunJournal Journal { get; } = new MemoryRunJournal();
}

/// <summary>The journal in a SQLite file.</summary>
public sealed class SqliteRunJournalTests : RunJournalTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SqliteRunJournalTests()
    {
        var database = new SqliteDatabase(_folder.File("state.db"));
        database.Create();
        Journal = new SqliteRunJournal(database.DataSource);
    }

    private protected override IRunJournal Journal { get; }

    public void Dispose() => _folder.Dispose();
}

/// <summary>The journal in PostgreSQL.</summary>
[Collection(PostgresGroup.Name)]
public sealed class PostgresRunJournalTests : RunJournalTests, IAsyncDisposable, IAsyncLifetime
{
    private readonly PostgresDatabase _database;

    public PostgresRunJournalTests(PostgresServer server)
    {
        _database = new PostgresDatabase(server.NewDatabase());
        Journal = new PostgresRunJournal(_database.DataSource);
    }

    private protected override IRunJournal Journal { get; }

    public async Task InitializeAsync() => await _database.MigrateAsync();

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => _database.DisposeAsync();
}
