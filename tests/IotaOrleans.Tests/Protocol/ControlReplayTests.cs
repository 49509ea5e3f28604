using System.Collections.Immutable;
using IotaOrleans.Protocol.Replay;

namespace IotaOrleans.Tests.Protocol;

/// <summary>What the control side remembers, rebuilt from events.</summary>
public sealed class ControlReplayTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void A_checkpoint_moves_the_point_and_makes_its_step_canonical_in_every_stage()
    {
        var state = Replay(Started(0), Checkpoint(10), Checkpoint(20));

        state.Phase.Should().Be(RunPhase.Training);
        state.Point.Should().Be(Point(20));
        state.Stages.Select(stage => (stage.Blocks.First, stage.CanonicalStep)).Should().Equal((0, 20), (2, 20));
        state.Stages[0].Miners.Should().Equal("ada", "cyd");
    }

    [Fact]
    public void A_session_goes_on_from_what_it_found_whatever_came_after_it_in_the_one_before()
    {
        var state = Replay(Started(0), Checkpoint(10), Checkpoint(20), Failed(25), Started(10));

        state.Point.Should().Be(Point(10), "the checkpoint of step 20 was damaged, say");
        state.Stages.Should().OnlyContain(stage => stage.CanonicalStep == 10);
        (state.Phase, state.Failure).Should().Be((RunPhase.Training, null));
    }

    [Fact]
    public void An_epoch_counts_as_it_was_settled_first_and_in_the_order_of_epochs()
    {
        var state = Replay(Started(0), Epoch(0, 100), Epoch(1, 100), Started(0), Epoch(0, 7), Epoch(2, 100));

        state.Epochs.Select(epoch => (epoch.Epoch, epoch.Emission)).Should().Equal((0, 100), (1, 100), (2, 100));
    }

    [Theory]
    [InlineData(9, 0)]
    [InlineData(10, 10)]
    [InlineData(19, 10)]
    [InlineData(20, 20)]
    [InlineData(1000, 30)]
    public void Up_to_a_step_counts_what_was_decided_until_the_run_passed_it_for_good(long to, long point)
    {
        // Killed after step 25, it went back to 10.
        RunEvent[] events = [Started(0), Checkpoint(10), Failed(25), Started(10), Checkpoint(20), Checkpoint(30)];

        var reached = ControlReplay.UpTo(events, to).Aggregate(new ControlState(), ControlReplay.Apply);

        reached.Point.Step.Should().Be(point);
    }

    [Fact]
    public void Steps_and_other_measurements_decide_nothing()
    {
        var before = Replay(Started(0), Checkpoint(10));

        var after = ControlReplay.Apply(before, new EvaluationCompleted { At = At, Step = 15, ValidationLoss = 2 });

        after.Should().BeSameAs(before);
    }

    private static ControlState Replay(params RunEvent[] events) => events.Aggregate(new ControlState(), ControlReplay.Apply);

    private static RunPoint Point(long step) => new() { Step = step, Checkpoint = step == 0 ? null : $"step-{step}", Epoch = (int)step / 10, ValidationLoss = 2, Elapsed = TimeSpan.FromSeconds(step) };

    private static RunStarted Started(long step) => new()
    {
        At = At,
        Step = step,
        Run = "run",
        Steps = 100,
        Parameters = 1_000,
        TokensPerStep = 64,
        Stages = [new StageView(0, new BlockRange(0, 2), "ada", 400, 0), new StageView(0, new BlockRange(0, 2), "cyd", 400, 0), new StageView(1, new BlockRange(2, 2), "bob", 600, 0)],
        Point = Point(step),
    };

    private static CheckpointWritten Checkpoint(long step) => new() { At = At, Step = step, Checkpoint = $"step-{step}", Point = Point(step) };

    private static RunFailed Failed(long step) => new() { At = At, Step = step, Failure = "a miner is gone" };

    private static EpochClosed Epoch(int epoch, long emission) => new() { At = At, Step = 10 * (epoch + 1), Settlement = new EpochSettlement("run", epoch, emission, 0, ImmutableArray<Payslip>.Empty, At) };
}
