using System.Diagnostics;
using IotaOrleans.Host.CommandLine.Settings;

namespace IotaOrleans.Host.Hosting;

/// <summary>Starts this program once more, whether it runs as itself or under <c>dotnet</c>.</summary>
internal static class OwnProgram
{
    /// <summary>All three streams are redirected; variables that set options of this command are not passed on.</summary>
    public static ProcessStartInfo StartInfo(IReadOnlyList<string> arguments)
    {
        var program = Environment.ProcessPath!;
        var isDotnet = Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        var start = new ProcessStartInfo(program, isDotnet ? [typeof(OwnProgram).Assembly.Location, .. arguments] : arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var variable in start.Environment.Keys.Where(key => key.StartsWith(SettingVariable.Prefix, StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(variable);
        }

        return start;
    }
}
