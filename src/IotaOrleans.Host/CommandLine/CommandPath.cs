using System.CommandLine;

namespace IotaOrleans.Host.CommandLine;

/// <summary>A command as a person types it.</summary>
internal static class CommandPath
{
    /// <summary><c>iota plan schedule</c> for the command <c>schedule</c> of <c>plan</c>.</summary>
    public static string Of(Command command) => command is RootCommand
        ? "iota"
        : string.Join(' ', command.Parents.OfType<Command>().Select(Of).Take(1).Append(command.Name));
}
