using System.CommandLine;
using System.CommandLine.Parsing;

namespace IotaOrleans.Host.CommandLine;

/// <summary>Says in one line what is wrong with a command line, and what may have been meant.</summary>
internal static class UsageError
{
    public static string Describe(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var help = $"see '{CommandPath.Of(command)} --help'";
        if (parsed.UnmatchedTokens is [var token, ..])
        {
            return $"{Kind(command, token)} '{token}'{Suggestion(command, token)}; {help}";
        }

        var error = parsed.Errors[0];
        return error.SymbolResult switch
        {
            OptionResult { Tokens.Count: 0, Implicit: false } option => $"{option.Option.Name} needs a value: {option.Option.Name} {option.Option.HelpName}; {help}",
            ArgumentResult { Tokens.Count: 0, Parent: CommandResult } argument => $"{command.Name} needs {Article(argument.Argument.Name)}; {help}",
            OptionResult { Tokens.Count: > 1, Implicit: false } option when option.IdentifierTokenCount > 1 => $"{option.Option.Name} is given {option.IdentifierTokenCount} times",
            _ => error.Message.TrimEnd('.'),
        };
    }

    private static string Kind(Command command, string token) =>
        token.StartsWith('-') ? "unknown option" : command.Subcommands.Count > 0 ? "unknown command" : "unexpected argument";

    private static string Article(string name) => $"a {name.ToUpperInvariant()}";

    private static string Suggestion(Command command, string token)
    {
        var names = token.StartsWith('-')
            ? command.Options.Select(option => option.Name)
            : command.Subcommands.Where(subcommand => !subcommand.Hidden).Select(subcommand => subcommand.Name);
        var nearest = names.Select(name => (Name: name, Distance: Distance(name, token))).OrderBy(pair => pair.Distance).FirstOrDefault();
        return nearest.Name is not null && nearest.Distance <= Math.Max(2, token.Length / 4) ? $", did you mean '{nearest.Name}'?" : "";
    }

    /// <summary>The number of single-letter edits between two words (Levenshtein, 1966).</summary>
    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
