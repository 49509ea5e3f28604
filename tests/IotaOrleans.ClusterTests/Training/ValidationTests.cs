using System.Collections.Immutable;
using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using IotaOrleans.Grains.Validation;
using IotaOrleans.Protocol.Validation;
using IotaOrleans.Training.Lanes;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>Segments of a live swarm are done again.</summary>
[Collection(TrainingCluster.Alone)]
public sealed class ValidationTests
{
    private const string Contradiction = "signed for other bytes than several neighbours";

    [Theory]
    [InlineData(WireFormat.Float32, UpdateFormat.BFloat16)]
    [InlineData(WireFormat.Int8, UpdateFormat.TopK)]
    public async Task Honest_work_comes_out_to_the_last_bit_with_merges_in_between(WireFormat wire, UpdateFormat update)
    {
        using var run = new TestRun(stages: 2, steps: 80, replicas: [2, 3]);
        await using var cluster = await TrainingCluster.StartAsync(2, 5);

        var events = await cluster.TrainAsync(Checked(run, []) with { WireFormat = wire, Swarm = new SwarmSettings { InnerSteps = 5, Rebalances = false, UpdateFormat = update } });

        var verdicts = events.OfType<SegmentAudited>().Select(audited => audited.Verdict).ToArray();
        verdicts.Should().OnlyContain(verdict => verdict.Outcome == AuditOutcome.Passed, string.Join('\n', verdicts.Where(verdict => verdict.Outcome != AuditOutcome.Passed)));
        verdicts.Select(verdict => verdict.Shard.Miner).Distinct().Should().HaveCount(5);
        events.OfType<StageMerged>().Should().Contain(merged => merged.Report.Outcome.Kind == MergeOutcomeKind.Merged);
        events.OfType<RunFinished>().Should().ContainSingle();
        events.OfType<MinerSuspected>().Should().NotContain(suspected => suspected.Reason.Contains("signed", StringComparison.Ordinal), "neighbours wrote down the same bytes");
        events.OfType<MinerSuspected>().Should().NotContain(suspected => suspected.Reason.Contains("norm", StringComparison.Ordinal), "honest tensors are of the usual norm");
    }

    [Fact]
    public async Task Who_vouches_for_another_and_does_nothing_for_what_passes_through_both_is_found()
    {
        using var run = new TestRun(stages: 2, steps: 60, replicas: [3, 3]);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);
        string[] pair = [TrainingCluster.Miner(1), TrainingCluster.Miner(4)];

        var events = await cluster.TrainAsync(Checked(run, [.. pair.Select(miner => new Adversary(miner, AdversaryKind.ColludingPair))]));

        // One of them may be found before the other had an occasion: alone it has nobody to collude with.
        var found = events.OfType<SegmentAudited>().Select(audited => audited.Verdict).Where(verdict => verdict.Outcome == AuditOutcome.Wrong).Select(verdict => verdict.Shard.Miner).ToArray();
        found.Should().NotBeEmpty().And.BeSubsetOf(pair);
        events.OfType<RunFinished>().Single().Rewards.Where(reward => reward.Paid == 0).Select(reward => reward.Miner).Should().BeEquivalentTo(found);
    }

    [Fact]
    public async Task Two_names_of_one_owner_that_share_their_records_are_both_found()
    {
        using var run = new TestRun(stages: 2, steps: 60, replicas: [2, 4]);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);
        string[] names = [TrainingCluster.Miner(3), TrainingCluster.Miner(4)];

        var events = await cluster.TrainAsync(Checked(run, [.. names.Select(miner => new Adversary(miner, AdversaryKind.Sybil))]));

        events.OfType<SegmentAudited>().Where(audited => audited.Verdict.Outcome is AuditOutcome.Wrong or AuditOutcome.Declined)
            .Select(audited => audited.Verdict.Shard.Miner).Should().BeEquivalentTo(names);
        events.OfType<RunFinished>().Single().Rewards.Where(reward => reward.Paid > 0).Select(reward => reward.Miner).Should().NotContain(names).And.HaveCount(4);
    }

    [Fact]
    public async Task A_poisoner_that_nobody_checks_is_found_by_its_losses_alone()
    {
        using var run = new TestRun(stages: 2, steps: 400, replicas: [3, 3]);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);
        var cheat = TrainingCluster.Miner(1);

        // After the check of its first segment the lottery leaves everybody alone.
        var events = await cluster.TrainAsync(Checked(run, [new Adversary(cheat, AdversaryKind.Unobserved)]) with { Validation = new ValidationSettings { Rate = 1e-12, SegmentPasses = 4, StrangeRatio = 0 } });

        var suspected = events.OfType<MinerSuspected>().First(suspected => suspected.Miner == cheat);
        suspected.Reason.Should().Contain("has losses that differ by +");
        var found = events.OfType<SegmentAudited>().Should().ContainSingle(audited => audited.Verdict.Outcome != AuditOutcome.Passed).Which;
        found.Verdict.Shard.Miner.Should().Be(cheat);
        found.Number.Should().BeGreaterThan(suspected.Number);
    }

    [Fact]
    public async Task What_is_out_of_all_proportion_is_noticed_by_the_neighbour_and_checked()
    {
        using var run = new TestRun(stages: 2, steps: 120, replicas: [3, 3]);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);
        var (first, last) = (TrainingCluster.Miner(1), TrainingCluster.Miner(4));

        var cheated = Checked(run, [new Adversary(first, AdversaryKind.Unobserved), new Adversary(last, AdversaryKind.Unobserved)]);

        // After the check of its first segment the lottery leaves everybody alone.
        var events = await cluster.TrainAsync(cheated with { Validation = new ValidationSettings { Rate = 1e-12, SegmentPasses = 4 } });

        events.OfType<MinerSuspected>().First(suspected => suspected.Miner == first).Reason.Should().Contain("an activation of norm 0.0e+0");
        events.OfType<MinerSuspected>().First(suspected => suspected.Miner == last).Reason.Should().Contain("a gradient of norm 0.0e+0");
        events.OfType<MinerSuspected>().Where(suspected => suspected.Reason.Contains("norm")).Select(suspected => suspected.Miner).Should().BeSubsetOf([first, last], "nobody sends on what comes of zeros");
        events.OfType<SegmentAudited>().Where(audited => audited.Verdict.Outcome == AuditOutcome.Wrong).Select(audited => audited.Verdict.Shard.Miner).Should().BeEquivalentTo([first, last]);
    }

    [Fact]
    public async Task A_miner_that_hardly_ever_works_is_named_and_paid_for_what_it_did()
    {
        using var run = new TestRun(stages: 2, steps: 90, replicas: [2, 4]);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);
        var slow = TrainingCluster.Miner(3);

        var events = await cluster.TrainAsync(Checked(run, [new Adversary(slow, AdversaryKind.SlowWalker)]) with { EpochSteps = 30, Validation = new ValidationSettings { Rate = 0.05, SegmentPasses = 4 } });

        events.OfType<MinerSuspected>().Should().Contain(suspected => suspected.Miner == slow && suspected.Reason.Contains("micro-batches in an epoch in which"));
        events.OfType<SegmentAudited>().Should().OnlyContain(audited => audited.Verdict.Outcome == AuditOutcome.Passed, "it is slow, not wrong");
        var rewards = events.OfType<RunFinished>().Single().Rewards.Where(reward => reward.Stage == 1).ToArray();
        var paid = rewards.Where(reward => reward.Miner == slow).Sum(reward => reward.Paid);
        paid.Should().BeLessThan((long)(0.1 * rewards.Where(reward => reward.Miner != slow).Average(reward => reward.Paid)));
    }

    [Fact]
    public async Task A_check_can_be_made_again_from_its_bundle_by_anybody()
    {
        using var run = new TestRun(stages: 2, steps: 40, replicas: [2, 3]);
        await using var cluster = await TrainingCluster.StartAsync(0, 5);
        var cheat = TrainingCluster.Miner(3);
        var specification = Checked(run, [new Adversary(cheat, AdversaryKind.NoisyGradient)]);

        var events = await cluster.TrainAsync(specification with { Validation = specification.Validation with { KeepsChecks = true }, Swarm = specification.Swarm with { InnerSteps = 5 } });

        var verdicts = events.OfType<SegmentAudited>().Select(audited => audited.Verdict).Where(verdict => verdict.Outcome is AuditOutcome.Passed or AuditOutcome.Wrong).ToArray();
        var files = Directory.GetFiles(Path.Combine(run.Folder, "checks"), "*.zip");
        // The run begins anew without the cheat: of the check that was under way then, nobody hears.
        (files.Length - verdicts.Length).Should().BeInRange(0, 1);
        verdicts.Should().HaveCountGreaterThan(4);
        var bundles = files.Select(SegmentBundle.Read).ToArray();
        verdicts.Should().BeSubsetOf(bundles.Select(bundle => bundle.Verdict));
        foreach (var bundle in bundles)
        {
            var again = bundle.Verify();
            again.Should().Be(bundle.Verdict with { Duration = again.Duration });
        }

        var wrong = SegmentBundle.Read(files.Single(file => Path.GetFileName(file).StartsWith(cheat, StringComparison.Ordinal)));
        (wrong with { Segment = wrong.Segment with { Index = 99 } }).Verify().Finding.Should().Be("is not signed by the key that it names");
        (wrong with { Evidence = wrong.Evidence.Skip(1).ToDictionary() }).Verify().Outcome.Should().Be(AuditOutcome.Declined);

        // Of an older version, its bytes would look as if somebody had exchanged them.
        NameHash(files[0], "sha256-128");
        var reading = () => SegmentBundle.Read(files[0]);
        reading.Should().Throw<IotaException>().Where(failure => failure.ExitCode == ExitCode.Data).WithMessage("*names bytes by sha256-128, not by blake3-128 as this version does");
    }

    private static void NameHash(string bundle, string name)
    {
        using var archive = ZipFile.Open(bundle, ZipArchiveMode.Update);
        var entry = archive.GetEntry("bundle.json")!;
        JsonNode header;
        using (var stream = entry.Open())
        {
            header = JsonNode.Parse(stream)!;
        }

        entry.Delete();
        header["hash"] = name;
        using var changed = archive.CreateEntry("bundle.json").Open();
        changed.Write(JsonSerializer.SerializeToUtf8Bytes(header));
    }

    [Theory]
    [InlineData(AdversaryKind.FreeRider, 0)]
    [InlineData(AdversaryKind.FreeRider, 1)]
    [InlineData(AdversaryKind.Echo, 1)]
    [InlineData(AdversaryKind.StaleOutput, 0)]
    [InlineData(AdversaryKind.NoisyGradient, 0)]
    [InlineData(AdversaryKind.NoisyGradient, 1)]
    [InlineData(AdversaryKind.ScaledGradient, 1)]
    [InlineData(AdversaryKind.SignFlip, 0)]
    [InlineData(AdversaryKind.LyingTail, 1)]
    [InlineData(AdversaryKind.RareCheat, 1)]
    [InlineData(AdversaryKind.Unobserved, 0)]
    [InlineData(AdversaryKind.Copycat, 0)]
    [InlineData(AdversaryKind.Copycat, 1)]
    [InlineData(AdversaryKind.FalseReceipts, 0)]
    [InlineData(AdversaryKind.FalseReceipts, 1)]
    [InlineData(AdversaryKind.Sybil, 0)]
    [InlineData(AdversaryKind.NoNumber, 0)]
    [InlineData(AdversaryKind.NoNumber, 1)]
    public async Task Who_cheats_is_found_leaves_and_is_paid_nothing_and_nobody_else(AdversaryKind kind, int stage)
    {
        using var run = new TestRun(stages: 2, steps: 60, replicas: [3, 3]);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);
        var cheat = TrainingCluster.Miner((3 * stage) + 1);

        var events = await cluster.TrainAsync(Checked(run, [new Adversary(cheat, kind)]));

        // Who signs for passes of others can be found by what its neighbours signed for, before anything is checked; the others by a check.
        var byNeighbours = kind == AdversaryKind.FalseReceipts && events.OfType<MembersChanged>().Any(changed => changed.Reason.Contains(Contradiction));
        var objections = events.OfType<SegmentAudited>().Select(audited => audited.Verdict).Where(verdict => verdict.Outcome != AuditOutcome.Passed).ToArray();
        objections.Where(verdict => verdict.Shard.Miner != cheat).Should().BeEmpty();
        // A check that is under way when its miner is sent away has nothing left to look at.
        objections.Where(verdict => verdict.Outcome != AuditOutcome.Lost).Select(verdict => verdict.Outcome).Should().Equal(byNeighbours ? [] : [AuditOutcome.Wrong]);
        events.OfType<MembersChanged>().Should().ContainSingle().Which.Should().Match<MembersChanged>(changed => changed.Miner == cheat && changed.Change == MemberChange.Lost);
        var finished = events.OfType<RunFinished>().Should().ContainSingle().Which;
        finished.Rewards.Where(reward => reward.Miner == cheat).Sum(reward => reward.Paid).Should().Be(0);
        finished.Rewards.Where(reward => reward.Miner != cheat).Should().OnlyContain(reward => reward.Paid > 0);
        var slips = events.OfType<EpochClosed>().SelectMany(closed => closed.Settlement.Payslips).Where(slip => slip.Miner == cheat).ToArray();
        slips.Select(slip => slip.Reason).Where(reason => !reason.Contains(byNeighbours ? Contradiction : "was found to be wrong")).Should().BeEmpty();
        // Nobody took anything of whoever sends no numbers: there may be nothing to give a payslip for.
        (slips.Length > 0 || kind == AdversaryKind.NoNumber).Should().BeTrue();
    }

    [Fact]
    public async Task A_run_whose_first_miners_are_false_begins_anew_without_them()
    {
        // More than a trial takes.
        const int Steps = 150;
        using var run = new TestRun(stages: 2, steps: Steps, replicas: [3, 3]);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);
        string[] cheats = [TrainingCluster.Miner(1), TrainingCluster.Miner(5)];

        var events = await cluster.TrainAsync(Checked(run, [.. cheats.Select(miner => new Adversary(miner, AdversaryKind.SignFlip))]));

        var starts = events.OfType<RunStarted>().ToArray();
        starts.Should().HaveCount(2);
        starts[0].Reason.Should().BeNull();
        starts[1].Step.Should().Be(0);
        starts[1].Reason.Should().StartWith($"anew without {cheats[0]}, {cheats[1]}: ");
        starts[1].Stages.Select(stage => stage.Miner).Should().HaveCount(4).And.NotContain(cheats);
        // Weights that know nothing: their loss is that of a guess.
        var again = events.SkipWhile(happened => happened != starts[1]).OfType<StepCompleted>().ToArray();
        again.Select(step => step.Step).Should().Equal(Enumerable.Range(1, Steps).Select(step => (long)step));
        again[0].Loss.Should().BeApproximately(Math.Log(run.Specification.Model.VocabularySize), 0.2);
        var rewards = events.OfType<RunFinished>().Should().ContainSingle().Which.Rewards;
        rewards.Where(reward => reward.Paid == 0).Select(reward => reward.Miner).Should().BeEquivalentTo(cheats);
    }

    [Fact]
    public async Task What_is_checked_was_decided_before_and_everybody_can_see_it_afterwards()
    {
        using var run = new TestRun(stages: 2, steps: 60, replicas: [2, 2]);
        await using var cluster = await TrainingCluster.StartAsync(0, 4);

        var events = await cluster.TrainAsync(Checked(run, []) with { EpochSteps = 20, Validation = new ValidationSettings { Rate = 0.3, NewcomerFactor = 1, SegmentPasses = 4 } });

        var seals = events.OfType<AuditsSealed>().ToArray();
        var secrets = events.OfType<EpochClosed>().Select(closed => closed.AuditSecret!).ToArray();
        secrets.Select(secret => Convert.ToHexStringLower(AuditLottery.Commit(Convert.FromHexString(secret)))).Should().Equal(seals.Select(seal => seal.Commitment));
        seals.Select(seal => (seal.Epoch, seal.Step)).Should().Equal([(0, 0), (1, 20), (2, 40)], "the next epoch's is published when the one before ends");
        // Who is suspected is checked always, and that is published as well; on a busy machine it can happen to anyone.
        var suspected = events.OfType<MinerSuspected>().Select(happened => happened.Miner).ToHashSet();
        suspected.Should().HaveCountLessThan(2, "honest work is rarely suspected");
        events.OfType<SegmentAudited>().Select(audited => audited.Verdict).Where(verdict => verdict.Segment > 0 && !suspected.Contains(verdict.Shard.Miner))
            .Should().NotBeEmpty().And.OnlyContain(verdict => secrets.Any(secret => AuditLottery.IsDrawn(Convert.FromHexString(secret), verdict.Shard, verdict.Segment, 0.3)));
    }

    [Theory]
    [InlineData("another kind")]
    [InlineData(null)]
    public async Task Another_kind_of_processor_or_another_version_is_no_cheat_and_is_not_taken_into_a_run_with_checks(string? kind)
    {
        using var run = new TestRun(stages: 2, steps: 60, replicas: [2, 2]);
        await using var cluster = await TrainingCluster.StartAsync(0, 5);
        var specification = Checked(run, []);
        var grain = cluster.Grains.GetGrain<ITrainingRunGrain>(specification.Run);
        await grain.StartAsync(specification);
        // The same processor, and a later version: its arithmetic has another number.
        var other = new MinerCapability("silo", 1, long.MaxValue, 1, kind ?? $"{HardwareClass.Own}0");
        (await grain.AdmitAsync(TrainingCluster.Miner(4), other)).Should().BeFalse("nobody here could check it");
        (await grain.AdmitAsync(TrainingCluster.Miner(3), other)).Should().BeFalse("it is there already");

        var events = await cluster.FollowAsync(specification.Run, 0);

        events.OfType<SegmentAudited>().Where(audited => audited.Verdict.Outcome != AuditOutcome.Passed).Should().OnlyContain(audited =>
            audited.Verdict.Outcome == AuditOutcome.Incomparable && audited.Verdict.Shard.Miner == TrainingCluster.Miner(3));
        events.OfType<MembersChanged>().Should().ContainSingle().Which.Miner.Should().Be(TrainingCluster.Miner(3));
        events.OfType<EpochClosed>().SelectMany(closed => closed.Settlement.Payslips).Should().NotContain(slip => slip.Reason.Contains("wrong"), "nothing speaks against it");
    }

    [Fact]
    public async Task A_corrupt_reducer_of_a_live_swarm_is_named_and_the_weights_are_unharmed()
    {
        using var run = new TestRun(stages: 2, steps: 60, replicas: [1, 5]);
        await using var cluster = await TrainingCluster.StartAsync(0, 6);
        var cheat = TrainingCluster.Miner(3);
        var specification = Checked(run, [new Adversary(cheat, AdversaryKind.CorruptReducer)]);

        var events = await cluster.TrainAsync(specification with { Swarm = specification.Swarm with { InnerSteps = 10 } });

        var merges = events.OfType<StageMerged>().Where(merged => merged.Report.Merge.Stage == 1).ToArray();
        merges.Should().OnlyContain(merged => merged.Report.Outcome.Kind == MergeOutcomeKind.Merged);
        merges.SelectMany(merged => merged.Report.Faulty).Distinct().Should().Equal(cheat);
        merges.Count(merged => merged.Report.Faulty.Contains(cheat)).Should().Be(3, "then it is sent away");
        events.OfType<MembersChanged>().Should().ContainSingle().Which.Miner.Should().Be(cheat);
        events.OfType<RunFinished>().Single().Rewards.Where(reward => reward.Paid == 0).Select(reward => reward.Miner).Should().Equal(cheat);
    }

    [Fact]
    public async Task What_a_miner_does_that_joins_late_comes_out_to_the_last_bit()
    {
        using var run = new TestRun(stages: 2, steps: 1_000_000, replicas: [2, 2]);
        await using var cluster = await TrainingCluster.StartAsync(0, 5);
        var specification = Checked(run, []) with { Swarm = new SwarmSettings { InnerSteps = 5, Rebalances = false } };
        var grain = cluster.Grains.GetGrain<ITrainingRunGrain>(specification.Run);
        await grain.StartAsync(specification);
        await cluster.FollowAsync(specification.Run, 0, happened => happened is StepCompleted { Step: 10 });
        (await grain.AdmitAsync(TrainingCluster.Miner(4), new MinerCapability("silo", 1, long.MaxValue, 1))).Should().BeTrue();

        var seen = 0;
        await cluster.FollowAsync(specification.Run, 0, happened => happened is SegmentAudited audited && audited.Verdict.Shard.Miner == TrainingCluster.Miner(4) && ++seen == 3);
        await grain.StopAsync();

        var verdicts = (await cluster.FollowAsync(specification.Run, 0)).OfType<SegmentAudited>().Select(audited => audited.Verdict).ToArray();
        verdicts.Should().OnlyContain(verdict => verdict.Outcome == AuditOutcome.Passed, string.Join('\n', verdicts.Where(verdict => verdict.Outcome != AuditOutcome.Passed)));
    }

    private static TrainingRunSpecification Checked(TestRun run, ImmutableArray<Adversary> adversaries) => run.Specification with
    {
        Mode = TrainingMode.Elastic,
        EvaluationInterval = 1_000_000,
        CheckpointInterval = 1_000_000,
        EpochSteps = 1_000_000,
        Swarm = new SwarmSettings { InnerSteps = 1_000_000, Rebalances = false },
        Validation = new ValidationSettings { Rate = 1, SegmentPasses = 4 },
        Adversaries = adversaries,
    };
}
