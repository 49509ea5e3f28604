using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>One unit of work that was done once, by one miner: the line of the ledger from which pay is computed.</summary>
/// <remarks>
/// A run has at most one receipt of a pass for a number and a stage, whoever asks for it, and however often; and one of a step or a cell for
/// each miner. Hashes are the first 128 bits of SHA-256, of bytes as they came in or went out; zero where there were none, or nobody wrote them down.
/// </remarks>
[GenerateSerializer, Immutable, Alias("IotaOrleans.WorkReceipt")]
public sealed record WorkReceipt
{
    /// <summary>The run.</summary>
    [Id(0)]
    public required string Run { get; init; }

    /// <summary>The reward epoch in which it counts, from zero.</summary>
    [Id(1)]
    public required int Epoch { get; init; }

    /// <summary>What was done.</summary>
    [Id(2)]
    public required ReceiptKind Kind { get; init; }

    /// <summary>Of what: the number of a micro-batch (see <see cref="MicroBatchNumber"/>), of a local step, or of a cell.</summary>
    [Id(3)]
    public required long Number { get; init; }

    /// <summary>The stage, from zero.</summary>
    [Id(4)]
    public required int Stage { get; init; }

    /// <summary>Who did it.</summary>
    [Id(5)]
    public required string Miner { get; init; }

    /// <summary>Tokens in it.</summary>
    [Id(6)]
    public long Tokens { get; init; }

    /// <summary>Hash of the activation or gradient that came in.</summary>
    [Id(7)]
    public UInt128 Input { get; init; }

    /// <summary>Hash of the activation or gradient that went out; of a step, of the weights that came of it, if its segment ends there.</summary>
    [Id(8)]
    public UInt128 Output { get; init; }

    /// <summary>Optimizer steps of the miner's shard before the work was done: the version of the weights that it ran on.</summary>
    [Id(9)]
    public long Version { get; init; }

    /// <summary>Time that it took, in microseconds, as its miner says.</summary>
    [Id(10)]
    public int Microseconds { get; init; }

    /// <summary>First 128 bits of the hash of the segment in which the miner signed for it (see <see cref="SegmentSeal"/>); zero when the run's plan alone says who did it.</summary>
    [Id(11)]
    public UInt128 Segment { get; init; }
}
