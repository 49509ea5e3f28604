using IotaOrleans.Grains.Rewards;
using IotaOrleans.Grains.Views;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Storage;

namespace IotaOrleans.Host.Storage;

/// <summary>Grain storage, the work ledger and the journal over a database that may be away for a while.</summary>
internal static class PatientStorage
{
    /// <summary>The name of the ADO.NET provider and its options behind a storage.</summary>
    public static string InnerName(string providerName) => $"{providerName}-database";

    /// <summary>Adds all three, with the same patience.</summary>
    /// <param name="services">The silo's services; the ADO.NET provider under <see cref="InnerName"/> is added by the caller.</param>
    /// <param name="providerName">The name that grains ask for.</param>
    /// <param name="store">What the database is called.</param>
    /// <param name="complaint">What is said of it when it cannot be used.</param>
    /// <param name="ledger">The ledger in the same database.</param>
    /// <param name="journal">The journal in the same database.</param>
    public static IServiceCollection AddPatientStorage(this IServiceCollection services, string providerName, string store, string complaint, IWorkLedger ledger, IRunJournal journal) => services
        .AddSingleton(provider => ActivatorUtilities.CreateInstance<StoreOutage>(provider, store, complaint))
        .AddSingleton<IWorkLedger>(provider => new PatientWorkLedger(ledger, provider.GetRequiredService<StoreOutage>()))
        .AddSingleton<IRunJournal>(provider => new PatientRunJournal(journal, provider.GetRequiredService<StoreOutage>()))
        .AddKeyedSingleton<IGrainStorage>(providerName, (provider, _) => new PatientGrainStorage(
            new ExactKeyGrainStorage(provider.GetRequiredKeyedService<IGrainStorage>(InnerName(providerName))),
            provider.GetRequiredService<IOptionsMonitor<AdoNetGrainStorageOptions>>().Get(InnerName(providerName)).GrainStorageSerializer,
            provider.GetRequiredService<StoreOutage>()));
}
