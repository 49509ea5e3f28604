using System.Collections.Immutable;
using IotaOrleans.Protocol.Rewards;
using IotaOrleans.Protocol.Views;

namespace IotaOrleans.Tests.Protocol;

public sealed class RunViewReducerTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void A_started_run_shows_its_stages_and_no_estimate()
    {
        var view = Replay(Started());

        view.Run.Should().Be("run");
        view.Phase.Should().Be(RunPhase.Training);
        view.Stages.Select(stage => stage.Miner).Should().Equal("ada", "bob");
        (view.Steps, view.Parameters, view.Step, view.Tokens).Should().Be((100, 1_000, 0, 0));
        view.SecondsRemaining.Should().BeNull();
    }

    [Fact]
    public void A_step_moves_the_curve_the_busy_shares_and_the_estimate()
    {
        var view = Replay(Started(), Step(1, 3.5), Step(2, 3.25));

        view.Loss.Should().Be(3.25);
        view.Losses.Should().Equal(new LossPoint(1, 3.5), new LossPoint(2, 3.25));
        view.Stages.Select(stage => stage.BusyShare).Should().Equal(0.75, 0.5);
        view.Tokens.Should().Be(2 * 64);
        view.SecondsRemaining.Should().BeApproximately(98 * 64 / 128.0, 1e-9);
        view.UpdatedAt.Should().Be(At.AddSeconds(2));
    }

    [Fact]
    public void Steps_that_a_resumed_run_repeats_replace_the_ones_that_were_lost()
    {
        RunEvent[] lost = [.. Enumerable.Range(1, 60).Select(step => Step(step, 5)), Evaluation(25, 4), Evaluation(50, 4)];
        var view = Replay([Started(), .. lost, Started(atStep: 30), Step(31, 2)]);

        view.Step.Should().Be(31);
        view.Losses.Should().HaveCount(31);
        view.Losses[^1].Should().Be(new LossPoint(31, 2));
        view.ValidationLosses.Should().Equal(new LossPoint(25, 4));
        view.Tokens.Should().Be(31 * 64);
    }

    [Fact]
    public void A_late_checkpoint_message_does_not_turn_the_step_back()
    {
        var view = Replay(Started(), Step(10, 3), new CheckpointWritten { At = At, Step = 5, Checkpoint = "runs/run/step-5" });

        view.Step.Should().Be(10);
        view.Checkpoint.Should().Be("runs/run/step-5");
    }

    [Fact]
    public void Rewards_are_totals_over_epochs_and_an_epoch_counts_once()
    {
        var view = Replay(Started(), Epoch(0, 100), Epoch(1, 200), Epoch(1, 200), Epoch(0, 100));

        view.Rewards.Should().Equal(new MinerReward("ada", 0, 2, 20, 75), new MinerReward("bob", 1, 6, 60, 225));
        view.Epochs.Select(epoch => epoch.Epoch).Should().Equal(0, 1);
        view.Epoch.Should().Be(2);
    }

    [Fact]
    public void The_newest_hundred_epochs_are_kept_and_all_are_in_the_totals()
    {
        var view = Replay([Started(), .. Enumerable.Range(0, 130).Select(epoch => Epoch(epoch, 4))]);

        view.Epochs.Select(epoch => epoch.Epoch).Should().Equal(Enumerable.Range(30, 100));
        view.Rewards.Sum(reward => reward.Paid).Should().Be(130 * 4);
    }

    [Fact]
    public void A_finished_run_has_its_results_and_no_time_left()
    {
        var view = Replay(Started(), Step(100, 2));
        view = RunViewReducer.Apply(view, "run", RunPhase.Finished, new RunFinished
        {
            At = At,
            Step = 100,
            ValidationLoss = 1.9,
            TokensPerSecond = 64,
            Checkpoint = "last",
            Rewards = [new MinerReward("ada", 0, 1, 2, 3)],
            Seconds = 9,
        });

        (view.ValidationLoss, view.TokensPerSecond, view.Checkpoint, view.SecondsRemaining).Should().Be((1.9, 64, "last", 0));
        view.ValidationLosses.Should().Equal(new LossPoint(100, 1.9));
        view.Rewards.Should().ContainSingle();
    }

    [Fact]
    public void A_failure_is_shown_until_the_run_starts_again()
    {
        var failed = RunViewReducer.Apply(Replay(Started()), "run", RunPhase.Failed, new RunFailed { At = At, Step = 3, Failure = "miner ada is gone" });
        failed.Failure.Should().Be("miner ada is gone");
        failed.SecondsRemaining.Should().BeNull();

        RunViewReducer.Apply(failed, "run", RunPhase.Training, Started()).Failure.Should().BeNull();
    }

    [Fact]
    public void A_phase_without_an_event_makes_a_view()
    {
        var view = RunViewReducer.Apply(null, "run", RunPhase.Preparing, At);

        (view.Run, view.Phase, view.UpdatedAt).Should().Be(("run", RunPhase.Preparing, At));
    }

    private static RunView Replay(params RunEvent[] events) =>
        events.Aggregate((RunView?)null, (view, @event) => RunViewReducer.Apply(view, "run", RunPhase.Training, @event))!;

    private static RunStarted Started(long atStep = 0) => new()
    {
        At = At,
        Step = atStep,
        Run = "run",
        Steps = 100,
        Parameters = 1_000,
        TokensPerStep = 64,
        Stages = [new StageView(0, new BlockRange(0, 2), "ada", 400, 0), new StageView(1, new BlockRange(2, 2), "bob", 600, 0)],
    };

    private static StepCompleted Step(long step, double loss) => new()
    {
        At = At.AddSeconds(step),
        Step = step,
        Loss = loss,
        LearningRate = 1e-3,
        TokensPerSecond = 128,
        BusyShares = [0.75, 0.5],
    };

    private static EvaluationCompleted Evaluation(long step, double loss) => new() { At = At, Step = step, ValidationLoss = loss };

    private static EpochClosed Epoch(int epoch, long emission)
    {
        ImmutableArray<RewardClaim> work =
        [
            new("ada", 0, 1, 10),
            new("bob", 1, 3, 30),
        ];
        return new EpochClosed { At = At, Step = epoch, Settlement = Settlement.Settle("run", epoch, emission, work, At) };
    }
}
