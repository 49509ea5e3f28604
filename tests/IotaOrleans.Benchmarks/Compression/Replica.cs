using IotaOrleans.Protocol.Runs;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Lanes;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Optimizers;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Benchmarks.Compression;

/// <summary>One of the machines that train the same stage, here the whole model, on data of their own.</summary>
internal sealed class Replica : IDisposable
{
    private readonly ModelPreset _preset;
    private readonly TokenDataSet _data;
    private readonly int _number;
    private readonly ComputeLane _lane;
    private readonly StageTrainer _trainer;
    private readonly ErrorFeedback? _feedback;
    private readonly float[] _update;

    private Replica(ModelPreset preset, TokenDataSet data, int number, bool feedback, ComputeLane lane, StageTrainer trainer)
    {
        _preset = preset;
        _data = data;
        _number = number;
        _lane = lane;
        _trainer = trainer;
        _update = new float[trainer.Parameters.Layout.Count];
        _feedback = feedback ? new ErrorFeedback(_update.Length, decay: 0) : null;
    }

    public static async Task<Replica> CreateAsync(ModelPreset preset, TokenDataSet data, int number, bool feedback)
    {
        var lane = new ComputeLane($"replica-{number}");
        var trainer = await lane.RunAsync(() =>
        {
            var model = preset.ToConfiguration(data.VocabularySize);
            var created = new StageTrainer(model, new BlockRange(0, model.BlockCount), preset.Optimizer);
            ParameterInitializer.Initialize(created.Parameters, model, seed: 1);
            return created;
        });
        return new Replica(preset, data, number, feedback, lane, trainer);
    }

    public Task<float[]> ReadAsync() => _lane.RunAsync(() => _trainer.Parameters.Values.ToArray());

    /// <summary>Takes inner steps from the shared parameters and encodes what they changed.</summary>
    /// <param name="start">The shared parameters.</param>
    /// <param name="codec">Encodes the pseudo-gradient.</param>
    /// <param name="first">The first inner step, from one.</param>
    /// <param name="count">Inner steps.</param>
    /// <param name="steps">Inner steps of the whole run.</param>
    public Task<byte[]> TrainAsync(float[] start, UpdateCodec codec, int first, int count, int steps) => _lane.RunAsync(() =>
    {
        var values = _trainer.Parameters.Values;
        start.CopyTo(values);
        if (_feedback is not null)
        {
            // As in the live swarm: what the last update left out is not forgotten by the one who learnt it.
            PseudoGradient.Compute(values, _feedback.Residual, values);
        }

        for (var step = first; step < first + count; step++)
        {
            var offsets = DataSlice.Offsets(1, DataSplit.Train, step, _number, _preset.BatchSize, _preset.ContextLength, _data.Train.Count);
            var (tokens, targets) = Sequences(_data.Train, offsets);
            _trainer.Forward(step, new StageInput { Tokens = tokens, Targets = targets }, _preset.ContextLength, []);
            _trainer.Backward(step, [], 1, []);
            var norm = Math.Sqrt(GradientNorm.SumOfSquares(_trainer.Parameters.Gradients));
            _trainer.Step(step, LearningRateSchedule.At(_preset.Optimizer, step, steps), GradientNorm.ClipScale(norm, _preset.Optimizer.GradientClip));
        }

        PseudoGradient.Compute(start, values, _update);
        var bytes = new byte[codec.ByteCount(_update.Length)];
        if (_feedback is null)
        {
            codec.Encode(_update, bytes);
        }
        else
        {
            _feedback.Encode(codec, _update, bytes);
        }

        return bytes;
    });

    /// <summary>Loss of given parameters on the validation split, nats per token.</summary>
    public Task<double> EvaluateAsync(float[] values, int sequences) => _lane.RunAsync(() =>
    {
        values.CopyTo(_trainer.Parameters.Values);
        var sum = 0.0;
        foreach (var offsets in DataSlice.ValidationOffsets(sequences, _preset.ContextLength, _data.Validation.Count).Chunk(_preset.BatchSize))
        {
            var (tokens, targets) = Sequences(_data.Validation, offsets);
            sum += _trainer.Evaluate(new StageInput { Tokens = tokens, Targets = targets }, _preset.ContextLength, []) * (double)offsets.Length;
        }

        return sum / sequences;
    });

    public void Dispose()
    {
        _lane.RunAsync(_trainer.Dispose).GetAwaiter().GetResult();
        _lane.Dispose();
    }

    private (long[] Tokens, long[] Targets) Sequences(TokenFile file, long[] offsets)
    {
        var time = _preset.ContextLength;
        var (tokens, targets) = (new long[offsets.Length * time], new long[offsets.Length * time]);
        Span<long> row = new long[time + 1];
        for (var sequence = 0; sequence < offsets.Length; sequence++)
        {
            file.Read(offsets[sequence], row);
            row[..time].CopyTo(tokens.AsSpan(sequence * time));
            row[1..].CopyTo(targets.AsSpan(sequence * time));
        }

        return (tokens, targets);
    }
}
