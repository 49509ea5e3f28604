using System.Text.Json;
using IotaOrleans.Host.Progress;

namespace IotaOrleans.Host.CommandLine.Replay;

/// <summary>A part of a run's control state: as it follows from the journal, and as it is stored.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Rebuilt">What follows from the journal, as JSON.</param>
/// <param name="Stored">What is stored, as JSON; null when nothing is kept to compare with.</param>
internal sealed record ReplayedPart(string Name, string Rebuilt, string? Stored)
{
    private const int ShownLength = 400;

    /// <summary>Compares values by the bytes of their JSON: numbers are written so that they can be read back to the last bit.</summary>
    public static ReplayedPart Of<T>(string name, T rebuilt, T stored) => new(name, JsonSerializer.Serialize(rebuilt, RunEventJson.Options), JsonSerializer.Serialize(stored, RunEventJson.Options));

    /// <summary>Whether the two are not the same, byte for byte.</summary>
    public bool Differs => Stored is not null && Stored != Rebuilt;

    /// <summary>A line for a person.</summary>
    public string Sentence => Stored is null
        ? $"{Name,-7} {Shown(Rebuilt)}: nothing is kept to compare it with"
        : Differs ? $"{Name,-7} the journal gives {Shown(Rebuilt)}, and {Shown(Stored)} is stored" : $"{Name,-7} as stored: {Shown(Rebuilt)}";

    private static string Shown(string json) => json.Length > ShownLength ? $"{json[..ShownLength]}…" : json;
}
