using IotaOrleans.Training.Lanes;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Tests.Models;

/// <summary>
/// TorchSharp passes bare pointers of managed wrappers to native code. What a wrapper's finalizer frees while the call runs is read
/// after its end: rarely in a quiet program, and sooner or later in a long one.
/// </summary>
[Collection(TorchAlone.Name)]
public sealed class CollectorStressTests
{
    [Fact]
    public async Task Passes_survive_a_garbage_collector_that_never_rests()
    {
        var model = new ModelConfiguration { VocabularySize = 32, HiddenSize = 16, IntermediateSize = 40, BlockCount = 2, HeadCount = 2, KeyValueHeadCount = 1, ContextLength = 8 };
        using var stop = new CancellationTokenSource();
        var collector = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0, GCCollectionMode.Forced, blocking: true);
                GC.WaitForPendingFinalizers();
            }
        });
        try
        {
            var losses = await Task.WhenAll(Enumerable.Range(0, 2).Select(async number =>
            {
                using var lane = new ComputeLane($"stress-{number}");
                return await lane.RunAsync(() => Train(model, passes: 1_500));
            }));

            losses[0].Should().Be(losses[1]).And.BeGreaterThan(0);
        }
        finally
        {
            await stop.CancelAsync();
            await collector;
        }
    }

    private static float Train(ModelConfiguration model, int passes)
    {
        using var trainer = new StageTrainer(model, new BlockRange(0, model.BlockCount), new OptimizerSettings());
        ParameterInitializer.Initialize(trainer.Parameters, model, 1);
        var tokens = Enumerable.Range(0, 16).Select(i => (long)(i * 7 % 32)).ToArray();
        var loss = 0f;
        for (var pass = 0; pass < passes; pass++)
        {
            loss = trainer.Forward(pass, new StageInput { Tokens = tokens, Targets = tokens }, 8, []);
            trainer.Backward(pass, [], 1, []);
        }

        return loss;
    }
}
