using System.Collections.Immutable;
using System.Text.Json;

namespace IotaOrleans.Training.Checking;

/// <summary>What a model computes on a small batch: outputs, gradients and a few optimizer steps.</summary>
internal sealed record ModelMeasurements
{
    /// <summary>Token ids, one row per sequence.</summary>
    public required ImmutableArray<ImmutableArray<long>> InputIds { get; init; }

    /// <summary>Ids to be predicted, one row per sequence.</summary>
    public required ImmutableArray<ImmutableArray<long>> Labels { get; init; }

    /// <summary>The optimizer of the steps.</summary>
    public required OptimizerSettings Optimizer { get; init; }

    /// <summary>Mean loss, nats per token.</summary>
    public double Loss { get; init; }

    /// <summary>Logits of the first token of the first sequence.</summary>
    public ImmutableArray<double> FirstLogits { get; init; } = [];

    /// <summary>Logits of the last token of the last sequence.</summary>
    public ImmutableArray<double> LastLogits { get; init; } = [];

    /// <summary>Sum of all logits.</summary>
    public double LogitsSum { get; init; }

    /// <summary>Norm of each tensor's gradient.</summary>
    public ImmutableDictionary<string, double> GradientNorms { get; init; } = ImmutableDictionary<string, double>.Empty;

    /// <summary>Loss and gradient norm of each optimizer step.</summary>
    public ImmutableArray<(double Loss, double GradientNorm)> Steps { get; init; } = [];

    /// <summary>Norm of each tensor after the steps.</summary>
    public ImmutableDictionary<string, double> ParameterNorms { get; init; } = ImmutableDictionary<string, double>.Empty;

    /// <summary>Reads the measurements of an independent implementation.</summary>
    /// <exception cref="IotaException">The file is damaged.</exception>
    public static ModelMeasurements Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var root = document.RootElement;
            var adam = root.GetProperty("adamw");
            var betas = adam.GetProperty("betas");
            return new ModelMeasurements
            {
                InputIds = Rows(root.GetProperty("inputIds")),
                Labels = Rows(root.GetProperty("labels")),
                Optimizer = new OptimizerSettings
                {
                    LearningRate = adam.GetProperty("lr").GetDouble(),
                    Beta1 = betas[0].GetDouble(),
                    Beta2 = betas[1].GetDouble(),
                    Epsilon = adam.GetProperty("eps").GetDouble(),
                    WeightDecay = adam.GetProperty("weight_decay_matrices").GetDouble(),
                    GradientClip = adam.GetProperty("clip_global_norm").GetDouble(),
                },
                Loss = root.GetProperty("loss").GetDouble(),
                FirstLogits = Numbers(root.GetProperty("logits_first_token")),
                LastLogits = Numbers(root.GetProperty("logits_last_token")),
                LogitsSum = root.GetProperty("logits_sum").GetDouble(),
                GradientNorms = Norms(root.GetProperty("grad_l2")),
                Steps = [.. adam.GetProperty("steps").EnumerateArray().Select(step => (step.GetProperty("loss").GetDouble(), step.GetProperty("grad_norm_before_clip").GetDouble()))],
                ParameterNorms = Norms(adam.GetProperty("param_l2_after")),
            };
        }
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new IotaException(ExitCode.Model, $"{path}: not a file of reference measurements: {failure.Message}", failure);
        }
    }

    private static ImmutableArray<ImmutableArray<long>> Rows(JsonElement element) =>
        [.. element.EnumerateArray().Select(row => row.EnumerateArray().Select(id => id.GetInt64()).ToImmutableArray())];

    private static ImmutableArray<double> Numbers(JsonElement element) => [.. element.EnumerateArray().Select(value => value.GetDouble())];

    private static ImmutableDictionary<string, double> Norms(JsonElement element) =>
        element.EnumerateObject().ToImmutableDictionary(property => property.Name, property => property.Value.GetDouble());
}
