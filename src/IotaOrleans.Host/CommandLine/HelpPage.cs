using System.CommandLine;
using System.CommandLine.Help;
using IotaOrleans.Host.CommandLine.Settings;
using Spectre.Console;

namespace IotaOrleans.Host.CommandLine;

/// <summary>The help of a command: what it is, examples that work, then options by subject with their defaults and variables.</summary>
internal sealed class HelpPage(IAnsiConsole console)
{
    private const int WidestLine = 120;

    private static readonly Style Heading = new(decoration: Decoration.Bold);
    private static readonly Style Name = new(Color.Aqua);
    private static readonly Style Aside = new(decoration: Decoration.Dim);

    public void Write(Command command)
    {
        console.Profile.Width = Math.Min(console.Profile.Width, WidestLine);
        console.Write(new Text(command.Description + "\n"));
        Section("Usage");
        console.Write(Rows([(Usage(command), "", "")], firstWidth: null));
        if (command.Subcommands.Count > 0)
        {
            WriteCommands(command);
        }
        else
        {
            WriteOptions(command);
        }

        WriteFooter(command);
    }

    private static string Usage(Command command)
    {
        var arguments = command.Subcommands.Count > 0 ? "<command>" : string.Join(' ', command.Arguments.Select(argument => argument.Name.ToUpperInvariant()));
        var required = command.Options.Where(option => option is ISetting { Mandatory: true }).Select(option => $"{option.Name} {option.HelpName}");
        string[] parts = [CommandPath.Of(command), arguments, .. required, "[options]"];
        return string.Join(' ', parts.Where(part => part.Length > 0));
    }

    private void WriteCommands(Command command)
    {
        var visible = command.Subcommands.Where(subcommand => !subcommand.Hidden).ToArray();
        Section("Examples");
        console.Write(Rows(visible.OfType<IotaCommand>().SelectMany(subcommand => subcommand.Examples.Take(1)).Select(example => (example.Line, example.Meaning, "")), null));
        Section("Commands");
        console.Write(Rows(visible.Select(subcommand => (subcommand.Name, subcommand.Description ?? "", "")), null));
    }

    private void WriteOptions(Command command)
    {
        if (command is IotaCommand { Examples: { Count: > 0 } examples })
        {
            Section("Examples");
            console.Write(Rows(examples.Select(example => (example.Line, example.Meaning, "")), null));
        }

        if (command.Arguments.Count > 0)
        {
            Section("Arguments");
            console.Write(Rows(command.Arguments.Select(argument => (argument.Name.ToUpperInvariant(), argument.Description ?? "", "")), null));
        }

        var options = command.Options.Where(option => !option.Hidden && option is not HelpOption).ToArray();
        var width = options.Length == 0 ? 0 : options.Max(option => Label(option).Length);
        foreach (var group in SettingGroups.Order)
        {
            var members = options.Where(option => option is ISetting setting && setting.Group == group).ToArray();
            if (members.Length > 0)
            {
                Section(group);
                console.Write(Rows(members.Select(option => (Label(option), option.Description ?? "", Note((ISetting)option))), width));
            }
        }
    }

    private void WriteFooter(Command command)
    {
        console.WriteLine();
        var hint = command.Subcommands.Count > 0
            ? $"'{CommandPath.Of(command)} <command> --help' explains a command; every option can also be given by the variable that stands beside it."
            : "In brackets: the default, and the environment variable that also gives the option.";
        console.Write(new Text(hint + "\n", Aside));
        console.Write(new Text(
            "Exit codes: 0 done, 1 failed, 2 usage, 3 data, 4 model, 5 this machine, 6 state of the run, 130 interrupted twice.\n", Aside));
    }

    private void Section(string title) => console.Write(new Text($"\n{title}\n", Heading));

    private static string Label(Option option) => option is Option<bool> ? option.Name : $"{option.Name} {option.HelpName}";

    private static string Note(ISetting setting)
    {
        var value = setting.Mandatory ? "required" : setting.Default;
        return $" [{(value is null ? "" : value + "; ")}{setting.Variable}]";
    }

    private static Grid Rows(IEnumerable<(string Name, string Meaning, string Note)> rows, int? firstWidth)
    {
        var grid = new Grid { Expand = false };
        grid.AddColumn(new GridColumn { NoWrap = true, Width = firstWidth, Padding = new Padding(2, 0, 2, 0) });
        grid.AddColumn(new GridColumn { Padding = new Padding(0, 0, 0, 0) });
        foreach (var (name, meaning, note) in rows)
        {
            grid.AddRow(new Text(name, Name), new Paragraph(meaning).Append(note, Aside));
        }

        return grid;
    }
}
