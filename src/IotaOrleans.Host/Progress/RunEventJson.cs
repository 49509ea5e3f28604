using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace IotaOrleans.Host.Progress;

/// <summary>Run events as JSON: one object, <c>event</c> first, names in camel case.</summary>
internal static class RunEventJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        // The lines are read by programs, not pasted into HTML: text of any language stays legible.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static string Line(RunEvent happened) => JsonSerializer.Serialize(happened, Options);

    /// <summary>Reads a line back.</summary>
    /// <param name="number">The event's number, for the message.</param>
    /// <param name="line">The line.</param>
    /// <exception cref="IotaException">It is no event (<see cref="ExitCode.RunState"/>).</exception>
    public static RunEvent Read(long number, string line)
    {
        try
        {
            return JsonSerializer.Deserialize<RunEvent>(line, Options) ?? throw new JsonException("it is empty");
        }
        catch (Exception broken) when (broken is JsonException or NotSupportedException)
        {
            throw new IotaException(ExitCode.RunState, $"event {number} of the journal cannot be read: {broken.Message}", broken);
        }
    }

    /// <summary>The last line of a session, with what only the program adds.</summary>
    public static string Line(RunEnding ending)
    {
        var line = (JsonObject)JsonSerializer.SerializeToNode(ending.Event, Options)!;
        if (ending.Event is RunFinished)
        {
            line["sample"] = ending.Sample;
        }

        return line.ToJsonString(Options);
    }
}
