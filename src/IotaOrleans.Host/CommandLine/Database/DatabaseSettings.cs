using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Storage;

namespace IotaOrleans.Host.CommandLine.Database;

/// <summary>What the commands on a database need.</summary>
internal static class DatabaseSettings
{
    public static Setting<StoreAddress?> Store() => new(SettingGroups.Run, "--store", "The database; better given by the variable, which other users cannot see", Values.Store(), null)
    {
        Mandatory = true,
        IsSecret = true,
    };
}
