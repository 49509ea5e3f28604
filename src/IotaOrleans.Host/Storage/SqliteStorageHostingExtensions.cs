using Orleans.Configuration;

namespace IotaOrleans.Host.Storage;

/// <summary>Adds grain storage in a SQLite file.</summary>
public static class SqliteStorageHostingExtensions
{
    // The name under which the provider knows SQLite; the driver behind it is Microsoft.Data.Sqlite.
    private const string Invariant = "System.Data.SQLite";

    /// <summary>
    /// Keeps grain state, the work ledger and the journal in a SQLite file: write-ahead log, one writer at a time, others wait up to 30 seconds. The file
    /// and its tables are created when the silo starts; several processes of one machine may share the file. While the disk is full, everything
    /// that is to be stored waits.
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="databasePath">The file; its folder is created too. Not on a network file system.</param>
    /// <param name="providerName">The name that grains ask for.</param>
    public static ISiloBuilder AddSqliteGrainStorage(this ISiloBuilder silo, string databasePath, string providerName = StorageNames.Control)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(databasePath);
        var database = new SqliteDatabase(databasePath);
        return silo
            .ConfigureServices(services => services
                .AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(database)
                .AddPatientStorage(providerName, databasePath, "cannot be written", new SqliteWorkLedger(database.DataSource), new SqliteRunJournal(database.DataSource)))
            .AddAdoNetGrainStorage(PatientStorage.InnerName(providerName), (AdoNetGrainStorageOptions options) =>
            {
                options.Invariant = Invariant;
                options.DataSource = database.DataSource;
            });
    }
}
