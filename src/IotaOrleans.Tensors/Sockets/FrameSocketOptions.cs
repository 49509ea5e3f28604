namespace IotaOrleans.Tensors;

/// <summary>How patient both ends of a frame connection are.</summary>
public sealed record FrameSocketOptions
{
    /// <summary>Time for connecting, and for the hello that must come first.</summary>
    public TimeSpan HelloTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest pause within a frame before the receiver gives the connection up; between frames there is no limit.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest time without any progress before the sender gives up frames that are under way.</summary>
    public TimeSpan ReplyTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Connections that a listener serves at a time; further ones are closed.</summary>
    public int MaximumConnections { get; init; } = 1024;
}
