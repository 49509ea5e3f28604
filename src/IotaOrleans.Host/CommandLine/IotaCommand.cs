using System.CommandLine;
using IotaOrleans.Host.CommandLine.Settings;

namespace IotaOrleans.Host.CommandLine;

/// <summary>A command with the examples that open its help.</summary>
internal abstract class IotaCommand : Command
{
    protected IotaCommand(string name, string description)
        : base(name, description)
    {
        SetAction(RunAsync);
    }

    /// <summary>Command lines that work as they stand, with what each does.</summary>
    public virtual IReadOnlyList<(string Line, string Meaning)> Examples => [];

    protected void Use(params ISettings[] settings)
    {
        foreach (var option in settings.SelectMany(setting => setting.All))
        {
            Options.Add(option);
        }
    }

    protected abstract Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken);
}
