using IotaOrleans.Grains.Rewards;
using IotaOrleans.Grains.Views;
using IotaOrleans.Host.Runs;
using IotaOrleans.Host.Status;
using IotaOrleans.Host.Storage;

namespace IotaOrleans.Host.CommandLine.Rewards;

/// <summary>The ledger of a run on disk, whether the run is under way or over.</summary>
/// <param name="Run">The run's name.</param>
/// <param name="Ledger">Its ledger.</param>
/// <param name="Journal">The journal of its decisions.</param>
/// <param name="Folder">Its folder; null when it is looked for in a database.</param>
internal sealed record RunLedger(string Run, IWorkLedger Ledger, IRunJournal Journal, RunFolder? Folder)
{
    /// <summary>Opens a run's ledger; without a name, that of the run that was written to last.</summary>
    /// <param name="root">Folder of the runs.</param>
    /// <param name="name">The run.</param>
    /// <param name="store">The database, or null for the run's own file.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="IotaException">There is no such run, or it has no ledger.</exception>
    public static async Task<RunLedger> OpenAsync(string root, string? name, StoreAddress? store, CancellationToken cancellationToken)
    {
        if (store is not null)
        {
            // Ends with the process.
            var postgres = new PostgresDatabase(store);
            await postgres.RequireAsync(cancellationToken);
            var ledger = new PostgresWorkLedger(postgres.DataSource);
            return new RunLedger(name ?? await ledger.FindNewestRunAsync(cancellationToken) ?? throw new IotaException(ExitCode.RunState, $"no run was paid in {store} yet"), ledger, new PostgresRunJournal(postgres.DataSource), Folder: null);
        }

        var folder = name is not null
            ? RunFolder.Open(root, name)
            : RunFolder.List(root).MaxBy(run => File.GetLastWriteTimeUtc(run.StateDatabase))
                ?? throw new IotaException(ExitCode.Usage, $"no runs in {root} yet; 'iota train' starts one");
        if (!File.Exists(folder.StateDatabase))
        {
            throw new IotaException(ExitCode.RunState, $"run {folder.Name} ended before its first step: it has no ledger");
        }

        var database = new SqliteDatabase(folder.StateDatabase);
        database.Create();
        return new RunLedger(folder.Name, new SqliteWorkLedger(database.DataSource), new SqliteRunJournal(database.DataSource), folder);
    }

    /// <summary>Whether the run's folder says that all its steps are done.</summary>
    /// <param name="root">Folder of the runs.</param>
    public bool IsFinished(string root) => RunFolder.List(root).FirstOrDefault(folder => folder.Name == Run) is { } folder && RunStatus.Read(folder).Phase == RunPhase.Finished;

    /// <summary>All settlements so far, in order.</summary>
    public async Task<IReadOnlyList<EpochSettlement>> SettlementsAsync(CancellationToken cancellationToken)
    {
        var settlements = new List<EpochSettlement>();
        foreach (var epoch in await Ledger.ListAsync(Run, cancellationToken))
        {
            settlements.Add((await Ledger.FindAsync(Run, epoch, cancellationToken))!);
        }

        return settlements;
    }
}
