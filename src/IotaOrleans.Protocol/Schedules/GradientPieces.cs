namespace IotaOrleans.Protocol.Schedules;

/// <summary>
/// How the replicas of a stage add up their gradients: the flat gradient is cut into pieces, each replica adds up every so many of them
/// for all (reduce-scatter) and tells the others (all-gather). Rounds of one piece per replica bound what is under way.
/// </summary>
public sealed class GradientPieces
{
    /// <summary>Most values of a piece unless another number is asked for: 4 MiB, far below what one frame may carry.</summary>
    public const int DefaultMaximumLength = 1 << 20;

    private readonly long _length;

    /// <summary>Cuts a gradient.</summary>
    /// <param name="length">Values of the gradient.</param>
    /// <param name="replicas">Miners of the stage.</param>
    /// <param name="maximumLength">Most values of a piece.</param>
    public GradientPieces(long length, int replicas, int maximumLength = DefaultMaximumLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumLength, 1);
        _length = length;
        Replicas = replicas;
        var perRound = (long)replicas * maximumLength;
        Rounds = checked((int)Math.Max(1, (length + perRound - 1) / perRound));
    }

    /// <summary>Miners of the stage.</summary>
    public int Replicas { get; }

    /// <summary>Rounds of one piece per replica.</summary>
    public int Rounds { get; }

    /// <summary>Number of pieces.</summary>
    public int Count => Rounds * Replicas;

    /// <summary>The piece that a replica adds up in a round.</summary>
    public int PieceOf(int round, int replica) => (round * Replicas) + replica;

    /// <summary>The replica that adds a piece up.</summary>
    public int OwnerOf(int piece) => piece % Replicas;

    /// <summary>Where a piece lies in the gradient; pieces differ by at most one value.</summary>
    public Range Of(int piece) => Start(piece)..Start(piece + 1);

    /// <summary>Names a replica's part of a piece among all parts of a step.</summary>
    public int PartOf(int piece, int replica) => (piece * Replicas) + replica;

    private int Start(int piece) => checked((int)(_length * piece / Count));
}
