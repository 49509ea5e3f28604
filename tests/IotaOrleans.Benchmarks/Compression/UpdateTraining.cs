using IotaOrleans.Tensors;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Optimizers;

namespace IotaOrleans.Benchmarks.Compression;

/// <summary>What a run of local training showed.</summary>
/// <param name="ValidationLoss">Nats per token after the last round.</param>
/// <param name="UpdateBytes">Bytes of one replica's update.</param>
internal sealed record UpdateFigures(double ValidationLoss, long UpdateBytes);

/// <summary>
/// Local training (Douillard et al., 2023, "DiLoCo"): replicas take inner steps on their own, and what they changed travels as bytes, is
/// averaged and taken as one outer step.
/// </summary>
internal static class UpdateTraining
{
    public const int Replicas = 2;

    private const int EvaluationSequences = 256;

    public static async Task<UpdateFigures> RunAsync(ModelPreset preset, TokenDataSet data, UpdateFormat format, OuterSettings settings, int innerSteps, int rounds)
    {
        var codec = UpdateCodec.For(format);
        var replicas = await Task.WhenAll(Enumerable.Range(0, Replicas).Select(number => Replica.CreateAsync(preset, data, number, feedback: format == UpdateFormat.TopK)));
        try
        {
            var shared = await replicas[0].ReadAsync();
            var outer = new OuterNesterov(settings, shared.Length);
            var (mean, decoded) = (new float[shared.Length], new float[shared.Length]);
            for (var round = 1; round <= rounds; round++)
            {
                var first = ((round - 1) * innerSteps) + 1;
                var start = shared;
                var updates = await Task.WhenAll(replicas.Select(replica => replica.TrainAsync(start, codec, first, innerSteps, rounds * innerSteps)));
                Array.Clear(mean);
                foreach (var update in updates)
                {
                    codec.Decode(update, decoded);
                    for (var i = 0; i < mean.Length; i++)
                    {
                        mean[i] += decoded[i] / Replicas;
                    }
                }

                outer.Step(shared, mean, round);
            }

            return new UpdateFigures(await replicas[0].EvaluateAsync(shared, EvaluationSequences), codec.ByteCount(shared.Length));
        }
        finally
        {
            foreach (var replica in replicas)
            {
                replica.Dispose();
            }
        }
    }
}
