using IotaOrleans.Protocol.Stages;
using IotaOrleans.Training.Lanes;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Tests.Models;

public sealed class OwedGradientsTests
{
    private const int MicroBatches = 12;

    private static readonly ModelConfiguration Model = new()
    {
        VocabularySize = 40,
        HiddenSize = 24,
        IntermediateSize = 64,
        BlockCount = 2,
        HeadCount = 2,
        KeyValueHeadCount = 1,
        ContextLength = 16,
    };

    [Fact]
    public async Task Gradients_have_the_same_bits_whichever_lane_adds_them()
    {
        var shared = new SharedWork();
        using var lane = new ComputeLane("own", shared: shared);
        using var other = new ComputeLane("other", shared: shared);

        var (alone, _) = await lane.RunAsync(() => Train(new SharedWork(), (owed, _) => owed.RunNext()));
        var (helped, order) = await lane.RunAsync(() => Train(shared, (owed, woken) =>
        {
            // The other lane is at it, beside this lane's next passes, and says so when it has ended.
            woken.Wait();
            woken.Reset();
            return owed.TakeEnded();
        }));
        var (mixed, mixedOrder) = await lane.RunAsync(() => Train(shared, (owed, _) => owed.TakeEnded() ?? owed.RunNext() ?? owed.Await()));

        helped.Should().Equal(alone);
        mixed.Should().Equal(alone);
        order.Should().Equal(Enumerable.Range(0, MicroBatches).Select(i => (long)i));
        mixedOrder.Should().Equal(order);
    }

    [Fact]
    public async Task What_no_lane_has_taken_runs_here()
    {
        var shared = new SharedWork();
        using var lane = new ComputeLane("own", shared: shared);
        using var other = new BusyLane(shared);

        var (gradients, order) = await lane.RunAsync(() => Train(shared, (owed, _) => owed.Await()));

        order.Should().HaveCount(MicroBatches);
        gradients.Should().Contain(value => value != 0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_owed_is_known_until_it_was_added(bool offers)
    {
        var shared = new SharedWork();
        using var lane = new ComputeLane("own", shared: shared);
        using var other = offers ? new BusyLane(shared) : null;

        await lane.RunAsync(() =>
        {
            using var trainer = new StageTrainer(Model, new BlockRange(0, 2), new OptimizerSettings());
            using var owed = new OwedGradients(trainer, shared, () => { });
            long[] tokens = [.. Enumerable.Range(0, Model.ContextLength)];
            foreach (var microBatch in new[] { 4L, 5L })
            {
                trainer.Forward(microBatch, new StageInput { Tokens = tokens, Targets = tokens }, Model.ContextLength, []);
                trainer.BackwardInput(microBatch, [], 1, []);
                owed.Add(microBatch);
                owed.Offer();
            }

            new[] { 3L, 4, 5 }.Where(owed.Owes).Should().Equal(4, 5);
            owed.AddNext().MicroBatch.Should().Be(4);
            new[] { 4L, 5 }.Where(owed.Owes).Should().Equal(5);
            owed.AddNext().MicroBatch.Should().Be(5);
            new[] { 4L, 5 }.Where(owed.Owes).Should().BeEmpty();
            owed.Invoking(it => it.AddNext()).Should().Throw<InvalidOperationException>();
        });
    }

    [Fact]
    public async Task What_is_still_offered_at_the_end_is_nobodys()
    {
        var shared = new SharedWork();
        using var lane = new ComputeLane("own", shared: shared);
        using var other = new BusyLane(shared);

        var (gradients, _) = await lane.RunAsync(() => Train(shared, (_, _) => null));

        gradients.Should().AllSatisfy(value => value.Should().Be(0));
    }

    [Fact]
    public async Task A_failure_on_another_lane_is_the_stages_own()
    {
        var shared = new SharedWork();
        using var lane = new ComputeLane("own", shared: shared);
        using var other = new BusyLane(shared);

        await lane.RunAsync(() =>
        {
            var woken = 0;
            using var trainer = new StageTrainer(Model, new BlockRange(0, 2), new OptimizerSettings());
            using var owed = new OwedGradients(trainer, shared, () => woken++);
            long[] tokens = [.. Enumerable.Range(0, Model.ContextLength)];
            trainer.Forward(0, new StageInput { Tokens = tokens, Targets = tokens }, Model.ContextLength, []);
            trainer.BackwardInput(0, [], 1, []);
            owed.Add(0);
            owed.Offer();
            trainer.Dispose();
            other.Dispose();

            woken.Should().Be(1);
            owed.Invoking(it => it.TakeEnded()).Should().Throw<InvalidOperationException>();
        });
    }

    /// <summary>Runs micro-batches and ends what is owed between them, while the next one's passes run.</summary>
    /// <returns>The gradients, and the micro-batches in the order in which theirs were added.</returns>
    private static (float[] Gradients, List<long> Order) Train(SharedWork shared, Func<OwedGradients, ManualResetEventSlim, AddedGradients?> end)
    {
        using var trainer = new StageTrainer(Model, new BlockRange(0, 2), new OptimizerSettings());
        ParameterInitializer.Initialize(trainer.Parameters, Model, seed: 2);
        using var woken = new ManualResetEventSlim();
        using var owed = new OwedGradients(trainer, shared, woken.Set);
        var tokens = new Random(3);
        List<long> order = [];
        for (var microBatch = 0; microBatch < MicroBatches; microBatch++)
        {
            long[] read = [.. Enumerable.Range(0, Model.ContextLength + 1).Select(_ => (long)tokens.Next(Model.VocabularySize))];
            trainer.Forward(microBatch, new StageInput { Tokens = read.AsSpan(..^1), Targets = read.AsSpan(1..) }, Model.ContextLength, []);
            trainer.BackwardInput(microBatch, [], 1, []);
            if (microBatch > 0 && end(owed, woken) is { } added)
            {
                order.Add(added.MicroBatch);
            }

            owed.Add(microBatch);
            owed.Offer();
        }

        if (end(owed, woken) is { } last)
        {
            order.Add(last.MicroBatch);
        }

        return (trainer.Parameters.Gradients.ToArray(), order);
    }

    /// <summary>Another lane, which has something else to do until the test ends.</summary>
    private sealed class BusyLane : IDisposable
    {
        private readonly ManualResetEventSlim _release = new();
        private readonly ComputeLane _lane;

        public BusyLane(SharedWork shared)
        {
            _lane = new ComputeLane("other", shared: shared);
            _lane.TryPost(_release.Wait);
        }

        public void Dispose()
        {
            _release.Set();
            _lane.Dispose();
        }
    }
}
