using System.Collections.Immutable;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Checkpoints;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>Elastic mode with several miners per stage: nothing is lost or counted twice, whoever comes and goes.</summary>
[Collection(TrainingCluster.Alone)]
public sealed class SwarmTests
{
    private const int Steps = 60;

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task Replicas_share_the_work_and_agree_on_every_version(int silos)
    {
        using var run = Run(out var specification);
        await using var cluster = await TrainingCluster.StartAsync(silos, 6);

        var events = await cluster.TrainAsync(specification);

        var finished = events.OfType<RunFinished>().Should().ContainSingle().Which;
        Passes(finished).Should().Equal(Steps * specification.MicroBatches, Steps * specification.MicroBatches);
        finished.Rewards.Should().HaveCount(6).And.OnlyContain(reward => reward.BackwardPasses > 0);
        events.OfType<StepCompleted>().Should().HaveCount(Steps);
        var merges = events.OfType<StageMerged>().Select(merged => merged.Report).ToArray();
        merges.Should().HaveCountGreaterThan(4).And.OnlyContain(report => report.Outcome.Kind == MergeOutcomeKind.Merged && report.Faulty.IsEmpty && report.Repaired.IsEmpty);
        merges.Select(report => report.Version!.Hash).Should().OnlyHaveUniqueItems();
        merges.Should().OnlyContain(report => Commitment(report), "the secret that is revealed is the one that was committed to");
        var losses = events.OfType<StepCompleted>().Select(step => step.Loss).ToArray();
        losses[^5..].Average().Should().BeLessThan(losses[..5].Average() - 0.3, "three replicas that merge learn as one does");
        finished.ValidationLoss.Should().BeApproximately(losses[^5..].Average(), 0.3);
    }

    [Theory]
    [InlineData(UpdateFormat.BFloat16)]
    [InlineData(UpdateFormat.Int8)]
    [InlineData(UpdateFormat.TopK)]
    public async Task Replicas_agree_whatever_the_format_of_updates(UpdateFormat format)
    {
        using var run = Run(out var specification);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);

        var events = await cluster.TrainAsync(specification with { Swarm = specification.Swarm with { UpdateFormat = format } });

        events.OfType<RunFinished>().Should().ContainSingle();
        events.OfType<StageMerged>().Should().NotBeEmpty().And.OnlyContain(merged => merged.Report.Outcome.Kind == MergeOutcomeKind.Merged && merged.Report.Repaired.IsEmpty);
    }

    [Theory]
    [InlineData(MergeRule.NormClip, 2)]
    [InlineData(MergeRule.TrimmedMean, 3)]
    public async Task Replicas_agree_whatever_the_rule_and_however_many_reduce_a_cell(MergeRule rule, int owners)
    {
        using var run = Run(out var specification);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);

        var events = await cluster.TrainAsync(specification with { Swarm = specification.Swarm with { Merge = new MergeSettings { Rule = rule, Owners = owners } } });

        events.OfType<RunFinished>().Should().ContainSingle();
        events.OfType<StageMerged>().Should().NotBeEmpty().And.OnlyContain(merged => merged.Report.Outcome.Kind == MergeOutcomeKind.Merged && merged.Report.Repaired.IsEmpty);
        var losses = events.OfType<StepCompleted>().Select(step => step.Loss).ToArray();
        losses[^5..].Average().Should().BeLessThan(losses[..5].Average() - 0.3);
    }

    [Theory]
    [InlineData(4, WireFormat.BFloat16)]
    [InlineData(null, WireFormat.Int8)]
    public async Task Narrow_boundaries_teach_as_well(int? bottleneck, WireFormat wire)
    {
        using var run = Run(out var specification, bottleneck: bottleneck);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);

        var events = await cluster.TrainAsync(specification with { WireFormat = wire });

        events.OfType<RunFinished>().Should().ContainSingle();
        var losses = events.OfType<StepCompleted>().Select(step => step.Loss).ToArray();
        losses[^5..].Average().Should().BeLessThan(losses[..5].Average() - 0.3);
    }

    [Fact]
    public async Task A_lost_miner_costs_nothing_but_its_own_work()
    {
        using var run = Run(out var specification);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);
        var grain = cluster.Grains.GetGrain<ITrainingRunGrain>(specification.Run);
        await grain.StartAsync(specification);
        await cluster.FollowAsync(specification.Run, 0, happened => happened.Step == 20);

        await grain.ReportLossAsync(TrainingCluster.Miner(0));
        await grain.ReportLossAsync(TrainingCluster.Miner(3));

        var events = await cluster.FollowAsync(specification.Run, 0);
        var finished = events.OfType<RunFinished>().Should().ContainSingle().Which;
        // What the two had not signed for when they were lost is nobody's.
        var whole = Steps * specification.MicroBatches;
        Passes(finished).Should().HaveCount(2).And.OnlyContain(passes => passes <= whole && passes >= whole - (2 * specification.Validation.SegmentPasses));
        events.OfType<MembersChanged>().Select(changed => (changed.Miner, changed.Change))
            .Should().BeEquivalentTo([(TrainingCluster.Miner(0), MemberChange.Lost), (TrainingCluster.Miner(3), MemberChange.Lost)]);
        events.OfType<MembersChanged>().Last().Stages.Should().HaveCount(4);
    }

    [Fact]
    public async Task A_stage_without_miners_fails_the_run_by_name()
    {
        using var run = Run(out var specification, stages: [["miner-1"], ["miner-2", "miner-3"]]);
        await using var cluster = await TrainingCluster.StartAsync(0, 3);
        var grain = cluster.Grains.GetGrain<ITrainingRunGrain>(specification.Run);
        await grain.StartAsync(specification with { Steps = 100_000 });
        await cluster.FollowAsync(specification.Run, 0, happened => happened.Step == 5);

        await grain.ReportLossAsync("miner-1");

        var failed = (await cluster.FollowAsync(specification.Run, 0))[^1].Should().BeOfType<RunFailed>().Which;
        failed.Failure.Should().Contain("stage 0").And.Contain("miner-1");
        failed.Step.Should().BeGreaterThanOrEqualTo(5, "that many steps were completed");
    }

    [Fact]
    public async Task A_miner_that_joins_gets_the_agreed_version_and_works_in_the_stage_that_needs_it()
    {
        using var run = Run(out var specification, stages: [["miner-1", "miner-2"], ["miner-3"]]);
        await using var cluster = await TrainingCluster.StartAsync(0, 4);
        var grain = cluster.Grains.GetGrain<ITrainingRunGrain>(specification.Run);
        await grain.StartAsync(specification with { Steps = 100_000 });
        await cluster.FollowAsync(specification.Run, 0, happened => happened is StageMerged { Step: >= 20 });

        (await grain.AdmitAsync("miner-4", new MinerCapability("silo", 1, long.MaxValue))).Should().BeTrue();
        (await grain.AdmitAsync("miner-4", new MinerCapability("silo", 1, long.MaxValue))).Should().BeFalse("it is there already");

        var joined = (await cluster.FollowAsync(specification.Run, 0, happened => happened is MembersChanged)).OfType<MembersChanged>().First();
        (joined.Miner, joined.Change, joined.Stage).Should().Be(("miner-4", MemberChange.Joined, 1));
        var merged = await cluster.FollowAsync(specification.Run, joined.Number, happened => happened is StageMerged { Report: { Merge.Stage: 1, Contributors.Length: 2 } });
        merged.OfType<StageMerged>().Should().OnlyContain(it => it.Report.Outcome.Kind == MergeOutcomeKind.Merged && it.Report.Repaired.IsEmpty);
        await cluster.FollowAsync(specification.Run, joined.Number, happened => happened is EpochClosed closed && closed.Settlement.Payslips.Any(slip => slip.Miner == "miner-4" && slip.BackwardPasses > 0));
        await grain.StopAsync();
        (await cluster.FollowAsync(specification.Run, 0))[^1].Should().BeOfType<RunInterrupted>();
    }

    [Fact]
    public async Task Merges_that_follow_each_other_without_a_pause_keep_no_newcomer_out()
    {
        using var run = Run(out var specification, stages: [["miner-1", "miner-2"], ["miner-3", "miner-4"]]);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);
        var grain = cluster.Grains.GetGrain<ITrainingRunGrain>(specification.Run);
        await grain.StartAsync(specification with { Swarm = specification.Swarm with { InnerSteps = 1 }, Steps = 100_000, EvaluationInterval = 100_000, CheckpointInterval = 100_000 });
        await cluster.FollowAsync(specification.Run, 0, happened => happened is StageMerged { Step: >= 5 });

        (await grain.AdmitAsync("miner-5", new MinerCapability("silo", 1, long.MaxValue))).Should().BeTrue();
        (await grain.AdmitAsync("miner-6", new MinerCapability("silo", 1, long.MaxValue))).Should().BeTrue();

        await grain.StopAsync();
    }

    [Fact]
    public async Task Who_leaves_in_order_has_its_work_merged_first()
    {
        using var run = Run(out var specification, stages: [["miner-1", "miner-2"], ["miner-3", "miner-4"]]);
        await using var cluster = await TrainingCluster.StartAsync(0, 4);
        var grain = cluster.Grains.GetGrain<ITrainingRunGrain>(specification.Run);
        await grain.StartAsync(specification with { Swarm = specification.Swarm with { InnerSteps = 100_000 }, Steps = 100_000, EvaluationInterval = 100_000, CheckpointInterval = 100_000 });
        await cluster.FollowAsync(specification.Run, 0, happened => happened.Step == 10);

        await grain.LeaveAsync("miner-3");

        var left = (await cluster.FollowAsync(specification.Run, 0, happened => happened is MembersChanged)).OfType<MembersChanged>().First();
        (left.Miner, left.Change).Should().Be(("miner-3", MemberChange.Left));
        left.Stages.Select(stage => stage.Miner).Should().Equal("miner-1", "miner-2", "miner-4");
        (await cluster.Grains.GetGrain<IStageGrain>($"{specification.Run}/1").GetVersionAsync()).Round.Should().Be(1, "it merged once, for the one that left");
        await grain.StopAsync();
        (await cluster.FollowAsync(specification.Run, 0))[^1].Should().BeOfType<RunInterrupted>();
    }

    [Fact]
    public async Task A_stopped_run_goes_on_with_other_miners()
    {
        using var run = Run(out var specification);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);
        var grain = cluster.Grains.GetGrain<ITrainingRunGrain>(specification.Run);
        await grain.StartAsync(specification);
        await cluster.FollowAsync(specification.Run, 0, happened => happened.Step == 20);
        await grain.StopAsync();
        var stopped = (await cluster.FollowAsync(specification.Run, 0))[^1].Should().BeOfType<RunInterrupted>().Which;

        // What it has done was not meant to be all, and nobody has evaluated it.
        var asMany = () => grain.ResumeAsync(specification with { Steps = stopped.Step });
        (await asMany.Should().ThrowAsync<IotaException>()).Which.ExitCode.Should().Be(ExitCode.RunState);
        await grain.ResumeAsync(specification with { Miners = [["miner-1"], ["miner-2", "miner-3"]] });

        var finished = (await cluster.FollowAsync(specification.Run, stopped.Number))[^1].Should().BeOfType<RunFinished>().Which;
        Passes(finished).Should().Equal(Steps * specification.MicroBatches, Steps * specification.MicroBatches);
    }

    [Fact]
    public async Task The_outer_momentum_is_in_the_checkpoint_and_a_resumed_run_goes_on_with_it()
    {
        using var run = Run(out var specification);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);
        var grain = cluster.Grains.GetGrain<ITrainingRunGrain>(specification.Run);
        await grain.StartAsync(specification);
        await cluster.FollowAsync(specification.Run, 0, happened => happened is StageMerged { Step: >= 20 });
        await grain.StopAsync();
        var stopped = (await cluster.FollowAsync(specification.Run, 0))[^1].Should().BeOfType<RunInterrupted>().Which;
        var before = Outer(stopped.Checkpoint!);
        before.Should().NotBeEmpty().And.Contain(values => values.Value.Any(value => value != 0), "the replicas have merged");

        // What a single replica learns is no average of opinions: its merges leave the momentum as it is.
        await grain.ResumeAsync(specification with { Miners = [["miner-1"], ["miner-2"]] });

        var finished = (await cluster.FollowAsync(specification.Run, stopped.Number))[^1].Should().BeOfType<RunFinished>().Which;
        var after = Outer(finished.Checkpoint);
        after.Keys.Should().Equal(before.Keys);
        foreach (var (name, values) in before)
        {
            after[name].Should().Equal(values, name);
        }
    }

    private static SortedDictionary<string, float[]> Outer(string checkpoint)
    {
        using var file = SafetensorsFile.Open(Path.Combine(checkpoint, StageLoader.OuterFileName));
        var tensors = new SortedDictionary<string, float[]>(StringComparer.Ordinal);
        foreach (var (name, entry) in file.Tensors)
        {
            file.ReadSingles(name, tensors[name] = new float[entry.ElementCount]);
        }

        return tensors;
    }

    [Fact]
    public async Task All_frames_are_given_back()
    {
        var before = FramePool.Shared.Leased;
        using (var run = Run(out var specification))
        {
            await using var cluster = await TrainingCluster.StartAsync(2, 6);
            await cluster.TrainAsync(specification);
        }

        FramePool.Shared.Leased.Should().Be(before);
    }

    private static TestRun Run(out TrainingRunSpecification specification, ImmutableArray<ImmutableArray<string>>? stages = null, int? bottleneck = null)
    {
        var run = new TestRun(stages: 2, steps: Steps, bottleneck: bottleneck);
        specification = run.Specification with
        {
            Mode = TrainingMode.Elastic,
            Miners = stages ?? [["miner-1", "miner-2", "miner-3"], ["miner-4", "miner-5", "miner-6"]],
            Swarm = new SwarmSettings { InnerSteps = 10, Rebalances = false },
        };
        return run;
    }

    /// <summary>Paid backward passes of each stage.</summary>
    private static IEnumerable<long> Passes(RunFinished finished) =>
        finished.Rewards.GroupBy(reward => reward.Stage).OrderBy(stage => stage.Key).Select(stage => stage.Sum(reward => reward.BackwardPasses));

    private static bool Commitment(MergeReport report)
    {
        var secret = Convert.FromHexString(report.Secret);
        return report.Commitment.Merge == report.Merge && report.Commitment.Verify(secret);
    }
}
