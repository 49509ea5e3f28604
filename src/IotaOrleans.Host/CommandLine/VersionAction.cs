using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;

namespace IotaOrleans.Host.CommandLine;

/// <summary>Prints the program's version and those of what it stands on.</summary>
internal sealed class VersionAction : SynchronousCommandLineAction
{
    public static string ProgramVersion { get; } = Version(typeof(VersionAction).Assembly);

    public override int Invoke(ParseResult parseResult)
    {
        Console.Out.WriteLine($"iota {ProgramVersion} (.NET {Environment.Version}, Orleans {Version(typeof(IGrainFactory).Assembly)})");
        return (int)ExitCode.Success;
    }

    private static string Version(Assembly assembly)
    {
        var version = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        return version.Split('+', ' ')[0].TrimEnd('.');
    }
}
