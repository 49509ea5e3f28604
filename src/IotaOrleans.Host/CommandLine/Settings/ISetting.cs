namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>What the help and the error messages need to know of an option.</summary>
internal interface ISetting
{
    /// <summary>The environment variable that stands in for the option, or null when it has none.</summary>
    string? Variable { get; }

    /// <summary>The heading under which the help lists the option.</summary>
    string Group { get; }

    /// <summary>The default as the help shows it, or null when there is none.</summary>
    string? Default { get; }

    /// <summary>Whether it must be given.</summary>
    bool Mandatory { get; }
}
