using System.Collections.Concurrent;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Protocol.Runs;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Lanes;
using Xunit.Abstractions;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>Stages that take optimizer steps before they can know whether gradients are clipped, with norms that come as late as they can.</summary>
[Collection(TrainingCluster.Alone)]
public sealed class StepAheadTests(ITestOutputHelper output)
{
    private const int Steps = 24;

    [Theory]
    [InlineData(ScheduleKind.ZeroBubbleAhead, 2, false)]
    [InlineData(ScheduleKind.ZeroBubbleAhead, 3, true)]
    [InlineData(ScheduleKind.ZeroBubbleDouble, 2, false)]
    [InlineData(ScheduleKind.ZeroBubbleDouble, 3, false)]
    [InlineData(ScheduleKind.ZeroBubbleDouble, 3, true)]
    public async Task Without_clipping_every_step_but_the_first_begins_the_next_one_and_no_bit_changes(ScheduleKind schedule, int stages, bool tied)
    {
        var patient = await TrainAsync(ScheduleKind.ZeroBubble, stages, tied, clip: 0);
        var ahead = await TrainAsync(schedule, stages, tied, clip: 0);

        ahead.Losses.Should().Equal(patient.Losses);
        ahead.Norms.Should().Equal(patient.Norms);
        patient.Sent.Should().NotContain(sent => sent.Kind == FrameKind.ActivationAhead);

        // As many forward passes as the schedule has before the first backward pass; the last step has none to go on with.
        var early = PipelineSchedule.LiveBeforeBackward(schedule, 0, stages, ahead.MicroBatches);
        ahead.Sent.Where(sent => sent is { Kind: FrameKind.ActivationAhead, Stage: 0 }).Select(sent => (sent.Sequence, sent.MicroBatch))
            .Should().Equal(Enumerable.Range(3, Steps - 2).SelectMany(sequence => Enumerable.Range(0, early).Select(microBatch => ((long)sequence, microBatch))));
        ahead.TakenBack.Should().BeEmpty();
    }

    [Theory]
    [InlineData(ScheduleKind.ZeroBubbleAhead, 2)]
    [InlineData(ScheduleKind.ZeroBubbleAhead, 3)]
    [InlineData(ScheduleKind.ZeroBubbleDouble, 2)]
    [InlineData(ScheduleKind.ZeroBubbleDouble, 3)]
    public async Task What_was_begun_too_early_is_taken_back_and_no_bit_changes(ScheduleKind schedule, int stages)
    {
        var free = await TrainAsync(ScheduleKind.ZeroBubble, stages, tied: false, clip: 0);
        // Some steps are clipped, some are not.
        var clip = free.Norms.Order().ElementAt(Steps * 2 / 3);
        var patient = await TrainAsync(ScheduleKind.ZeroBubble, stages, tied: false, clip);
        var ahead = await TrainAsync(schedule, stages, tied: false, clip);

        ahead.Losses.Should().Equal(patient.Losses).And.NotEqual(free.Losses);
        ahead.Norms.Should().Equal(patient.Norms);
        output.WriteLine($"clipped at {clip:0.000}: taken back {string.Join(", ", ahead.TakenBack)}");
        ahead.TakenBack.Should().NotBeEmpty().And.AllSatisfy(sequence => ahead.Norms[(int)sequence - 2].Should().BeGreaterThan(clip, "only a clipped step is taken back"));
        ahead.Sent.Where(sent => sent is { Kind: FrameKind.ActivationAhead, Stage: 0 }).Select(sent => sent.Sequence).Distinct()
            .Should().HaveCountGreaterThan(ahead.TakenBack.Length, "some steps were right");
    }

    /// <summary>Trains with a lane for each stage; lanes help each other where the schedule lets them. Norms are delivered when no stage can do anything without them.</summary>
    private static async Task<Trained> TrainAsync(ScheduleKind schedule, int stages, bool tied, double clip)
    {
        using var run = new TestRun(stages, Steps, tied, microBatches: 8, schedule: schedule);
        var specification = run.Specification with { Optimizer = run.Specification.Optimizer with { GradientClip = clip } };
        var session = Guid.NewGuid();
        var reports = new ConcurrentQueue<ShardReport>();
        var transport = new Transport();
        var shared = new SharedWork();
        var lanes = specification.Shards.Select(shard => new ComputeLane(shard.ToString(), shared: shared)).ToArray();
        try
        {
            foreach (var (shard, lane) in specification.Shards.Zip(lanes))
            {
                var assignment = new ShardAssignment { Specification = specification, Stage = shard.Stage, Session = session };
                transport.Workers[shard] = new ShardWorker(shard, assignment, new MinerLane(lane, shared, null), transport, reports.Enqueue);
                await lane.RunAsync(transport.Workers[shard].Load);
            }

            foreach (var worker in transport.Workers.Values)
            {
                worker.Enqueue(Enumerable.Range(1, Steps).Select(step => WorkPlan.ForStep(specification, step, step)[0]));
            }

            while (reports.Count < Steps * stages)
            {
                await RestAsync(lanes, transport, specification.MicroBatches);
                reports.Should().NotContain(report => report.Failure != null);
                transport.DeliverNorms();
            }
        }
        finally
        {
            foreach (var (lane, worker) in lanes.Zip(transport.Workers.Values))
            {
                await lane.RunAsync(worker.Dispose);
                lane.Dispose();
            }
        }

        var steps = reports.Where(report => report.Loss != null).OrderBy(report => report.Order.Step).ToArray();
        return new Trained([.. steps.Select(report => report.Loss!.Value)], [.. steps.Select(report => report.GradientNorm!.Value)], [.. transport.Sent], specification.MicroBatches);
    }

    /// <summary>Waits until no lane has anything to do: a worker that has queues itself behind whatever else is queued.</summary>
    private static async Task RestAsync(ComputeLane[] lanes, Transport transport, int microBatches)
    {
        int before;
        do
        {
            before = transport.Sent.Count;
            for (var turn = 0; turn < 8 * microBatches; turn++)
            {
                await Task.WhenAll(lanes.Select(lane => lane.RunAsync(() => { })));
            }
        }
        while (transport.Sent.Count > before);
    }

    private sealed record Trained(double[] Losses, double[] Norms, Sent[] Sent, int MicroBatches)
    {
        /// <summary>Orders whose first activation was sent once more.</summary>
        public long[] TakenBack => [.. Sent.Where(sent => sent is { Kind: FrameKind.ActivationAhead, Stage: 0, MicroBatch: 0 }).Select(sent => sent.Sequence)
            .Where(sequence => Sent.Any(sent => sent is { Kind: FrameKind.Activation, Stage: 0, MicroBatch: 0 } && sent.Sequence == sequence))];
    }

    private readonly record struct Sent(FrameKind Kind, int Stage, long Sequence, int MicroBatch);

    private sealed class Transport : ITensorTransport
    {
        private readonly ConcurrentQueue<(ShardKey Receiver, TensorFrame Frame)> _norms = new();

        public Dictionary<ShardKey, ShardWorker> Workers { get; } = [];

        public ConcurrentQueue<Sent> Sent { get; } = new();

        public Task SendAsync(ShardKey receiver, TensorFrame frame)
        {
            Sent.Enqueue(new Sent(frame.Header.Kind, frame.Header.SourceStage, frame.Header.Sequence, frame.Header.MicroBatch.Index));
            if (frame.Header.Kind == FrameKind.GradientNorm)
            {
                _norms.Enqueue((receiver, frame));
            }
            else
            {
                Workers[receiver].Accept(frame);
            }

            return Task.CompletedTask;
        }

        public void DeliverNorms()
        {
            while (_norms.TryDequeue(out var norm))
            {
                Workers[norm.Receiver].Accept(norm.Frame);
            }
        }
    }
}
