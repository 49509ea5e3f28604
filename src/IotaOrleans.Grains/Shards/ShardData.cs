using IotaOrleans.Training.Data;

namespace IotaOrleans.Grains.Shards;

/// <summary>The tokens of micro-batches: every shard that needs them finds the same ones by the run's seed.</summary>
/// <param name="specification">The run.</param>
/// <param name="data">The prepared token files.</param>
internal sealed class ShardData(TrainingRunSpecification specification, TokenDataSet data) : IDisposable
{
    private readonly long[] _evaluationOffsets =
        DataSlice.ValidationOffsets(specification.EvaluationSequences, specification.ContextLength, data.Validation.Count);

    /// <summary>Sequences in a micro-batch of an order.</summary>
    public static int Sequences(TrainingRunSpecification specification, WorkOrder order, int microBatch) => order.Kind == WorkKind.Evaluate
        ? Math.Min(specification.MicroBatchSize, specification.EvaluationSequences - (microBatch * specification.MicroBatchSize))
        : specification.MicroBatchSize;

    /// <summary>Reads a micro-batch: token ids and, one place further, the ids to be predicted.</summary>
    public (long[] Tokens, long[] Targets) Read(WorkOrder order, int microBatch)
    {
        if (order.Kind != WorkKind.Evaluate)
        {
            return ReadTraining(order.Step, microBatch);
        }

        var sequences = Sequences(specification, order, microBatch);
        return Read(data.Validation, _evaluationOffsets.AsSpan(microBatch * specification.MicroBatchSize, sequences));
    }

    /// <summary>Reads a micro-batch of a training step.</summary>
    public (long[] Tokens, long[] Targets) ReadTraining(long step, int microBatch) => Read(
        data.Train,
        DataSlice.Offsets(specification.Seed, DataSplit.Train, step, microBatch, specification.MicroBatchSize, specification.ContextLength, data.Train.Count));

    /// <inheritdoc />
    public void Dispose() => data.Dispose();

    private (long[] Tokens, long[] Targets) Read(TokenFile file, ReadOnlySpan<long> offsets)
    {
        var time = specification.ContextLength;
        var sequences = offsets.Length;
        var (tokens, targets) = (new long[sequences * time], new long[sequences * time]);
        Span<long> row = new long[time + 1];
        for (var sequence = 0; sequence < sequences; sequence++)
        {
            file.Read(offsets[sequence], row);
            row[..time].CopyTo(tokens.AsSpan(sequence * time));
            row[1..].CopyTo(targets.AsSpan(sequence * time));
        }

        return (tokens, targets);
    }
}
