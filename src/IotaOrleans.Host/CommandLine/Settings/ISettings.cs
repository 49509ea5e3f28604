using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>Options that belong together and that several commands may share.</summary>
internal interface ISettings
{
    IEnumerable<Option> All { get; }
}
