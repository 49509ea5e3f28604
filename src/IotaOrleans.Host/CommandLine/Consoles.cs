using System.Text;
using Spectre.Console;

namespace IotaOrleans.Host.CommandLine;

/// <summary>Consoles that know whether a person is watching.</summary>
internal static class Consoles
{
    // Files and pipes have no edge to wrap at.
    private const int WidthWithoutTerminal = 4096;

    public static IAnsiConsole Output()
    {
        if (Console.IsOutputRedirected)
        {
            return Create(Console.Out, redirected: true);
        }

        Console.OutputEncoding = Encoding.UTF8;
        return Create(Console.Out, redirected: false);
    }

    public static IAnsiConsole Error() => Create(Console.Error, Console.IsErrorRedirected);

    /// <summary>A console without colours or cursor movement.</summary>
    public static IAnsiConsole Create(TextWriter writer, bool redirected)
    {
        var settings = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(redirected ? new TrimmingWriter(writer) : writer) };
        if (redirected)
        {
            settings.Ansi = AnsiSupport.No;
            settings.ColorSystem = ColorSystemSupport.NoColors;
            settings.Interactive = InteractionSupport.No;
        }

        var console = AnsiConsole.Create(settings);
        if (redirected)
        {
            console.Profile.Width = WidthWithoutTerminal;
        }

        return console;
    }
}
