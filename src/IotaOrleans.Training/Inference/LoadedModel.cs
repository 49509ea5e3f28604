using IotaOrleans.Training.Checkpoints;
using IotaOrleans.Training.Lanes;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Stages;
using TorchSharp;
using static TorchSharp.torch;

namespace IotaOrleans.Training.Inference;

/// <summary>A whole model in one piece, for sampling and evaluation, on a lane of its own.</summary>
public sealed class LoadedModel : IDisposable
{
    private readonly ComputeLane _lane;
    private readonly LlamaStage _stage;

    private LoadedModel(ModelConfiguration configuration, ComputeLane lane, LlamaStage stage)
    {
        Configuration = configuration;
        _lane = lane;
        _stage = stage;
    }

    /// <summary>The model's shape.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>Reads a model folder in Hugging Face layout.</summary>
    /// <exception cref="IotaException">The folder is no model, is damaged or of an unsupported shape.</exception>
    public static LoadedModel Load(string directory)
    {
        ModelConfiguration configuration;
        using (var source = ModelDirectory.Open(directory))
        {
            configuration = source.Configuration;
        }

        var lane = new ComputeLane("model");
        try
        {
            var stage = lane.RunAsync(() =>
            {
                var loaded = new LlamaStage(configuration, new BlockRange(0, configuration.BlockCount));
                StageLoader.LoadWeights(loaded.Parameters, configuration, directory);
                return loaded;
            }).GetAwaiter().GetResult();
            return new LoadedModel(configuration, lane, stage);
        }
        catch
        {
            lane.Dispose();
            throw;
        }
    }

    /// <summary>Logits of the token that follows a sequence.</summary>
    /// <param name="tokens">At most the model's context length.</param>
    /// <returns>One logit per token id.</returns>
    public float[] PredictNext(long[] tokens) => OnLane(() =>
    {
        using var scope = NewDisposeScope();
        using var noGradient = inference_mode();
        var logits = _stage.Forward(tensor(tokens).view(1, -1));
        return logits[0, tokens.Length - 1].data<float>().ToArray();
    });

    /// <summary>Mean loss over sequences, nats per token.</summary>
    /// <param name="tokens">Token ids [sequences × time], row by row.</param>
    /// <param name="targets">Next token ids [sequences × time].</param>
    /// <param name="time">Tokens per sequence.</param>
    public double Loss(long[] tokens, long[] targets, int time) => OnLane(() =>
    {
        using var scope = NewDisposeScope();
        using var noGradient = inference_mode();
        return (double)LlamaStage.Loss(_stage.Forward(tensor(tokens).view(-1, time)), tensor(targets).view(-1, time)).item<float>();
    });

    /// <inheritdoc />
    public void Dispose()
    {
        OnLane(() =>
        {
            _stage.Dispose();
            return true;
        });
        _lane.Dispose();
    }

    private T OnLane<T>(Func<T> job) => _lane.RunAsync(job).GetAwaiter().GetResult();
}
