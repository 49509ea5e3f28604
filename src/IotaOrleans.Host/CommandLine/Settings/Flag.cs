using System.CommandLine;
using System.CommandLine.Parsing;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>A switch: present or not. Its variable takes <c>1</c>, <c>true</c>, <c>0</c> or <c>false</c>.</summary>
internal sealed class Flag : Option<bool>, ISetting
{
    public Flag(string group, string name, string description)
        : base(name)
    {
        Group = group;
        Description = description;
        Variable = SettingVariable.Of(name);
        Arity = ArgumentArity.Zero;
        DefaultValueFactory = FromEnvironment;
    }

    public string? Variable { get; }

    public string Group { get; }

    public string? Default => null;

    public bool Mandatory => false;

    public bool Of(ParseResult parsed) => parsed.GetValue(this);

    private bool FromEnvironment(ArgumentResult result)
    {
        var text = Environment.GetEnvironmentVariable(Variable!);
        switch (text?.Trim().ToUpperInvariant())
        {
            case null or "" or "0" or "FALSE" or "NO":
                return false;
            case "1" or "TRUE" or "YES":
                return true;
            default:
                result.AddError($"{Variable}: '{text}' is neither true nor false");
                return false;
        }
    }
}
