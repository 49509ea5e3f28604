using System.Diagnostics.Metrics;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Grains.Telemetry;
using IotaOrleans.Tensors;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>Nobody's memory grows, however slow another stage is and however long a run lasts. Counts, not time.</summary>
[Collection(TrainingCluster.Alone)]
public sealed class BoundedMemoryTests
{
    [Theory]
    [InlineData(ScheduleKind.OneForwardOneBackward, TrainingMode.Exact, 0)]
    [InlineData(ScheduleKind.ZeroBubble, TrainingMode.Exact, 2)]
    [InlineData(ScheduleKind.ZeroBubble, TrainingMode.Elastic, 0)]
    [InlineData(ScheduleKind.OneForwardOneBackward, TrainingMode.Elastic, 2)]
    public async Task A_stage_that_is_ten_times_slower_holds_the_others_back(ScheduleKind schedule, TrainingMode mode, int silos)
    {
        using var run = new TestRun(steps: 3, microBatches: 8, schedule: schedule);
        var slow = run.Specification with
        {
            Mode = mode,
            Model = run.Specification.Model with { BlockCount = 11 },
            Stages = [new BlockRange(0, 1), new BlockRange(1, 10)],
            EvaluationSequences = 32,
            EvaluationInterval = 1,
        };
        await using var cluster = await TrainingCluster.StartAsync(silos, 2);
        FramePool.Shared.ForgetMostLeased();
        var before = FramePool.Shared.Leased;

        var events = await cluster.TrainAsync(slow);

        events.OfType<EvaluationCompleted>().Should().HaveCount(3);
        // Two micro-batches live between two stages, and as many gradients on their way back; while the first of the next order set
        // out, the last forward-only ones are still on their way. Between silos a frame is out twice: with its sender and its receiver.
        const int Training = 2 * 2, Evaluating = StageExecutor.EvaluationCredits + 1, Norms = 2, CreditFrames = StageExecutor.EvaluationCredits;
        var bound = (Training + Evaluating + Norms + CreditFrames) * (silos == 0 ? 1 : 2);
        (FramePool.Shared.MostLeased - before).Should().BeInRange(2, bound, "of {0} micro-batches to train on and 32 to evaluate", slow.MicroBatches);
    }

    [Fact]
    public async Task Nothing_is_left_behind_by_four_hundred_steps()
    {
        var tensors = new Dictionary<int, List<long>> { [0] = [], [1] = [] };
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Name == IotaInstruments.LiveTensorsName)
                {
                    listening.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
        {
            lock (tensors)
            {
                tensors[(int)tags[0].Value!].Add(count);
            }
        });
        listener.Start();
        using var run = new TestRun(steps: 400);
        var before = FramePool.Shared.Leased;
        await using (var cluster = await TrainingCluster.StartAsync(0, 2))
        {
            var events = await cluster.TrainAsync(run.Specification with { EvaluationInterval = 50, CheckpointInterval = 100 });
            events.OfType<StepCompleted>().Should().HaveCount(400);
        }

        FramePool.Shared.Leased.Should().Be(before);
        foreach (var counts in tensors.Values)
        {
            counts.Should().HaveCountGreaterThan(400).And.OnlyContain(count => count == counts[0], "each order disposes all tensors that it made");
        }
    }
}
