namespace IotaOrleans;

/// <summary>The one name of a unit of work: its data, its pathway, its receipts, its check and its payment all carry it.</summary>
/// <param name="Run">The run.</param>
/// <param name="Epoch">The reward epoch, from zero.</param>
/// <param name="Step">The optimizer step, from one.</param>
/// <param name="Index">The micro-batch within its step, from zero.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MicroBatchId")]
public readonly record struct MicroBatchId([property: Id(0)] string Run, [property: Id(1)] int Epoch, [property: Id(2)] long Step, [property: Id(3)] int Index)
{
    /// <inheritdoc />
    public override string ToString() => $"{Run}/{Epoch}/{Step}/{Index}";
}
