using IotaOrleans.Training.Data;

namespace IotaOrleans.Training.Inference;

/// <summary>A model's loss on text.</summary>
/// <param name="ValidationLoss">Nats per token.</param>
/// <param name="Sequences">Sequences judged.</param>
/// <param name="Tokens">Tokens judged.</param>
public sealed record EvaluationResult(double ValidationLoss, int Sequences, long Tokens);

/// <summary>Judges a model on the validation split of prepared data.</summary>
public static class ModelEvaluator
{
    private const int SequencesAtOnce = 8;

    /// <summary>Evaluates evenly spaced sequences of the model's context length.</summary>
    /// <exception cref="IotaException">The data has tokens that the model does not know.</exception>
    public static EvaluationResult Evaluate(LoadedModel model, TokenDataSet data, int sequences, CancellationToken cancellationToken)
    {
        if (data.VocabularySize > model.Configuration.VocabularySize)
        {
            throw new IotaException(ExitCode.Data, $"the data has {data.VocabularySize} symbols, but the model knows {model.Configuration.VocabularySize}: use the tokenizer that the model was trained with");
        }

        var time = (int)Math.Min(model.Configuration.ContextLength, data.Validation.Count - 1);
        var offsets = DataSlice.ValidationOffsets(sequences, time, data.Validation.Count);
        var sum = 0.0;
        for (var first = 0; first < offsets.Length; first += SequencesAtOnce)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var rows = offsets.AsSpan(first, Math.Min(SequencesAtOnce, offsets.Length - first));
            var (tokens, targets) = (new long[rows.Length * time], new long[rows.Length * time]);
            var row = new long[time + 1];
            for (var i = 0; i < rows.Length; i++)
            {
                data.Validation.Read(rows[i], row);
                row.AsSpan(0, time).CopyTo(tokens.AsSpan(i * time));
                row.AsSpan(1, time).CopyTo(targets.AsSpan(i * time));
            }

            sum += model.Loss(tokens, targets, time) * rows.Length;
        }

        return new EvaluationResult(sum / offsets.Length, offsets.Length, (long)offsets.Length * time);
    }
}
