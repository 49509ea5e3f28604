using IotaOrleans.Benchmarks.Transport;
using IotaOrleans.Host.CommandLine.Training;
using IotaOrleans.Host.Hosting;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Models;
using Microsoft.Extensions.DependencyInjection;

namespace IotaOrleans.Benchmarks.Compression;

/// <summary>What a training run over one boundary showed.</summary>
/// <param name="ValidationLoss">Nats per token after the last step.</param>
/// <param name="BytesPerToken">Bytes of activations that crossed the boundary per token.</param>
internal sealed record BoundaryFigures(double ValidationLoss, double BytesPerToken);

/// <summary>Trains a model of two stages in two silo processes; the first stage is in this one, which counts what it sends.</summary>
internal static class BoundaryTraining
{
    private const int MicroBatches = 4;
    private const int EvaluationSequences = 64;

    /// <summary>Wide enough for a 128th of its width to be two channels.</summary>
    public static ModelPreset Preset { get; } = new()
    {
        Name = "boundary",
        Summary = "4 blocks of 256",
        BlockCount = 4,
        HiddenSize = 256,
        HeadCount = 8,
        ContextLength = 128,
        BatchSize = 8,
        Steps = 300,
        Optimizer = new OptimizerSettings { LearningRate = 1e-3, MinimumLearningRate = 1e-4, WarmupSteps = 50, Beta2 = 0.99 },
    };

    public static async Task<BoundaryFigures> RunAsync(TokenDataSet data, string dataFolder, string folder, int? bottleneck, WireFormat wire, int steps)
    {
        var request = new TrainRequest
        {
            Preset = Preset,
            Stages = 2,
            Bottleneck = bottleneck,
            Wire = wire,
            MicroBatches = MicroBatches,
            Steps = steps,
            EvaluationInterval = steps,
            EvaluationSequences = EvaluationSequences,
            CheckpointInterval = steps,
            EpochSteps = steps,
        };
        var places = new RunPlaces($"boundary-{bottleneck}-{wire}", dataFolder, Path.Combine(folder, $"boundary-{bottleneck}-{wire}"));
        var specification = SpecificationBuilder.Build(request, SpecificationBuilder.Model(request, data.VocabularySize), places);

        using var bytes = new WireBytes();
        var endpoints = SiloEndpoints.NewCluster();
        using var host = await BenchmarkSilo.StartAsync(endpoints, [.. specification.Miners[0]]);
        using var tail = await TailProcess.StartAsync(endpoints);
        try
        {
            var grains = host.Services.GetRequiredService<IGrainFactory>();
            await grains.GetGrain<ITrainingRunGrain>(specification.Run).StartAsync(specification);
            var loss = await FollowAsync(grains.GetGrain<IRunViewGrain>(specification.Run));
            var tokens = (steps * specification.TokensPerStep) + ((long)EvaluationSequences * specification.ContextLength);
            return new BoundaryFigures(loss, bytes.Activations / (double)tokens);
        }
        finally
        {
            tail.StandardInput.Close();
            await tail.WaitForExitAsync();
            await host.StopAsync();
        }
    }

    private static async Task<double> FollowAsync(IRunViewGrain view)
    {
        var loss = double.NaN;
        for (long seen = 0; ;)
        {
            foreach (var happened in await view.GetEventsAsync(seen, TimeSpan.FromSeconds(10)))
            {
                seen = happened.Number;
                switch (happened)
                {
                    case EvaluationCompleted evaluation:
                        loss = evaluation.ValidationLoss;
                        break;
                    case RunFailed failed:
                        throw new InvalidOperationException(failed.Failure);
                    case RunFinished:
                        return loss;
                }
            }
        }
    }
}
