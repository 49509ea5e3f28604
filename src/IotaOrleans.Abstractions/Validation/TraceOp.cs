namespace IotaOrleans;

/// <summary>One thing that a shard did. Hashes are of bytes as they came in, or went out; zero where there are none.</summary>
/// <param name="Kind">What.</param>
/// <param name="Number">The micro-batch (see <see cref="MicroBatchNumber"/>); of an update the shard's step; of a cut or a merge the round.</param>
/// <param name="Input">Hash of what came in: an activation, or a gradient; of a merge, the weights that what was learnt is counted from; of a fetch, the weights.</param>
/// <param name="Output">Hash of what went out: an activation, or a gradient; of a cut, the weights at that moment; of a merge, the merged weights; of a fetch, the first moments.</param>
/// <param name="Step">Of an update: the newest step of the run that the shard had seen, which determines the learning rate.</param>
/// <param name="Loss">Of a forward pass through the last stage: its loss, nats per token.</param>
/// <param name="LeftOut">Of a merge: hash of what the update had left out, if its format leaves something out; of a fetch, the second moments.</param>
/// <param name="Microseconds">Time that a pass took, as its miner says.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.TraceOp")]
public readonly record struct TraceOp(
    [property: Id(0)] TraceOpKind Kind,
    [property: Id(1)] long Number,
    [property: Id(2)] UInt128 Input = default,
    [property: Id(3)] UInt128 Output = default,
    [property: Id(4)] long Step = 0,
    [property: Id(5)] float Loss = float.NaN,
    [property: Id(6)] UInt128 LeftOut = default,
    [property: Id(7)] int Microseconds = 0);
