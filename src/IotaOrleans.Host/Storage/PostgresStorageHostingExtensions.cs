using Orleans.Configuration;

namespace IotaOrleans.Host.Storage;

/// <summary>Adds grain storage and the work ledger in PostgreSQL.</summary>
internal static class PostgresStorageHostingExtensions
{
    /// <summary>The name under which the providers know PostgreSQL.</summary>
    public const string Invariant = "Npgsql";

    /// <summary>
    /// Keeps grain state, the work ledger and the journal in a PostgreSQL database. Its tables are created when the silo starts, if its user may; any number
    /// of silos may start at once. While the database does not answer, everything that needs it waits.
    /// </summary>
    public static ISiloBuilder AddPostgresGrainStorage(this ISiloBuilder silo, StoreAddress store, string providerName = StorageNames.Control)
    {
        var database = new PostgresDatabase(store);
        var inner = PatientStorage.InnerName(providerName);
        return silo
            .ConfigureServices(services => services
                .AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(database)
                .AddPatientStorage(providerName, store.ToString(), "does not answer", new PostgresWorkLedger(database.DataSource), new PostgresRunJournal(database.DataSource)))
            .AddAdoNetGrainStorage(inner, (AdoNetGrainStorageOptions options) =>
            {
                options.Invariant = Invariant;
                options.ConnectionString = store.ConnectionString;
            });
    }
}
