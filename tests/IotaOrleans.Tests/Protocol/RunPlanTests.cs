using CsCheck;
using IotaOrleans.Protocol.Runs;

namespace IotaOrleans.Tests.Protocol;

public sealed class RunPlanTests
{
    private static readonly ModelConfiguration Model = new() { VocabularySize = 8, HiddenSize = 8, IntermediateSize = 8, BlockCount = 2, HeadCount = 2, KeyValueHeadCount = 2, ContextLength = 8 };

    [Fact]
    public void The_learning_rate_rises_linearly_and_falls_as_a_cosine_to_its_minimum()
    {
        var settings = new OptimizerSettings { LearningRate = 1, MinimumLearningRate = 0.1, WarmupSteps = 10 };

        LearningRateSchedule.At(settings, 1, 110).Should().BeApproximately(0.1, 1e-12);
        LearningRateSchedule.At(settings, 10, 110).Should().Be(1);
        LearningRateSchedule.At(settings, 60, 110).Should().BeApproximately(0.55, 1e-12);
        LearningRateSchedule.At(settings, 110, 110).Should().BeApproximately(0.1, 1e-12);
    }

    [Fact]
    public void The_last_step_is_followed_by_an_evaluation_and_a_snapshot()
    {
        var orders = WorkPlan.ForStep(Specification(steps: 7), 7, 20);

        orders.Select(order => (order.Sequence, order.Kind)).Should().Equal((20, WorkKind.Train), (21, WorkKind.Evaluate), (22, WorkKind.Snapshot));
    }

    [Fact]
    public void Every_step_belongs_to_one_epoch_and_each_epoch_ends_once() => Gen.Select(Gen.Int[1, 60], Gen.Int[1, 20]).ForAll((steps, epochSteps) =>
    {
        var run = Specification(steps) with { EpochSteps = epochSteps };
        var ends = Enumerable.Range(1, steps).Where(step => WorkPlan.EndsEpoch(run, step)).Select(step => WorkPlan.EpochOf(run, step));

        ends.Should().Equal(Enumerable.Range(0, ((steps - 1) / epochSteps) + 1));
    });

    [Fact]
    public void Orders_complete_once_and_in_order_however_reports_arrive() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[1, 12], Gen.Int[0, int.MaxValue]).ForAll((stages, orders, seed) =>
        {
            var reports = Enumerable.Range(1, orders).SelectMany(sequence => Enumerable.Range(0, stages).Select(stage => Report(sequence, stage))).ToArray();
            var arrivals = reports.Concat(reports.Take(reports.Length / 2)).ToArray();
            new Random(seed).Shuffle(arrivals);
            var ledger = new OrderLedger(stages);

            var completed = arrivals.SelectMany(report => ledger.Add(report.Stage, report)).ToArray();

            completed.Select(group => group[0].Order.Sequence).Should().Equal(Enumerable.Range(1, orders).Select(sequence => (long)sequence));
            completed.Should().OnlyContain(group => group.Select(report => report.Stage).SequenceEqual(Enumerable.Range(0, stages)));
        });

    [Fact]
    public void An_order_waits_for_every_stage()
    {
        var ledger = new OrderLedger(2);

        ledger.Add(0, Report(1, 0)).Should().BeEmpty();
        ledger.Add(0, Report(1, 0)).Should().BeEmpty();
        ledger.Add(1, Report(1, 1)).Should().ContainSingle();
    }

    [Fact]
    public void The_throughput_of_the_last_steps_forgets_the_first_ones()
    {
        var meter = new ThroughputMeter(window: 2);
        meter.Add(100, TimeSpan.FromSeconds(100));
        meter.Add(100, TimeSpan.FromSeconds(1));
        meter.Add(100, TimeSpan.FromSeconds(1));

        meter.Recent.Should().Be(100);
        meter.Mean.Should().BeApproximately(300 / 102.0, 1e-9);
    }

    [Fact]
    public void A_batch_that_does_not_divide_is_refused_by_name() =>
        FluentActions.Invoking(() => RunSpecificationValidator.Validate(Specification(1) with { BatchSize = 12, MicroBatches = 5 }))
            .Should().Throw<IotaException>().WithMessage("*--batch-size*--micro-batches*");

    private static TrainingRunSpecification Specification(int steps) => new()
    {
        Run = "r",
        Seed = 1,
        Model = Model,
        Stages = [new BlockRange(0, 2)],
        Miners = [["m"]],
        BatchSize = 4,
        MicroBatches = 2,
        ContextLength = 8,
        Steps = steps,
        DataDirectory = "d",
        CheckpointDirectory = "c",
    };

    private static ShardReport Report(long sequence, int stage) => new()
    {
        Session = Guid.Empty,
        Stage = stage,
        Miner = $"m{stage}",
        Order = new WorkOrder { Sequence = sequence, Kind = WorkKind.Train, Step = sequence, Epoch = 0 },
        ForwardPasses = 4,
        BackwardPasses = 4,
    };
}
