using System.CommandLine;
using System.CommandLine.Parsing;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>
/// An option that an environment variable can also give: <c>--micro-batches</c> is <c>IOTA_MICRO_BATCHES</c>.
/// Both go through the same parser, and an error names whichever was used.
/// </summary>
internal sealed class Setting<T> : Option<T>, ISetting
{
    private readonly ValueParser<T> _parser;
    private readonly T _fallback;

    public Setting(string group, string name, string description, ValueParser<T> parser, T fallback, string? defaultText = null)
        : base(name)
    {
        _parser = parser;
        _fallback = fallback;
        Group = group;
        Default = defaultText ?? parser.Show(fallback);
        Description = description;
        HelpName = parser.HelpName;
        Variable = SettingVariable.Of(name);
        Arity = ArgumentArity.ExactlyOne;
        CustomParser = result => Parse(result, name, result.Tokens[0].Value);
        DefaultValueFactory = FromEnvironment;
    }

    public string? Variable { get; }

    public string Group { get; }

    public string? Default { get; }

    /// <summary>Whether the option or its variable must be given. (<see cref="Option.Required"/> would not see the variable.)</summary>
    public bool Mandatory { get; init; }

    /// <summary>Whether what is given may hold a password, which no message repeats.</summary>
    public bool IsSecret { get; init; }

    /// <summary>Whether the person gave a value, by option or by variable.</summary>
    public bool IsGiven(ParseResult parsed) => parsed.GetResult(this) is { Implicit: false } || FromVariable() is not null;

    public T Of(ParseResult parsed) => parsed.GetValue(this)!;

    private string? FromVariable() =>
        Environment.GetEnvironmentVariable(Variable!) is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;

    private T FromEnvironment(ArgumentResult result)
    {
        if (FromVariable() is { } text)
        {
            return Parse(result, Variable!, text);
        }

        if (Mandatory)
        {
            result.AddError($"{Name} is missing: give {Name} {HelpName}, or set {Variable}");
        }

        return _fallback;
    }

    private T Parse(ArgumentResult result, string source, string text)
    {
        if (_parser.TryParse(text, out var value))
        {
            return value;
        }

        result.AddError(IsSecret ? $"{source} is not {_parser.Expected}" : $"{source}: '{text}' is not {_parser.Expected}");
        return _fallback;
    }
}
