using IotaOrleans.Training.Lanes;

namespace IotaOrleans.Tests.Lanes;

public sealed class SharedWorkTests
{
    [Fact]
    public async Task A_lane_that_rests_does_what_is_offered()
    {
        var shared = new SharedWork();
        using var busy = new ComputeLane("busy", shared: shared);
        using var free = new ComputeLane("free", shared: shared);
        await free.RunAsync(() => { });

        var lanes = await busy.RunAsync(() => Enumerable.Range(0, 100).Select(_ =>
        {
            var work = new Task<bool>(() => free.IsCurrent);
            shared.Offer(work);
            return work.GetAwaiter().GetResult();
        }).ToArray());

        lanes.Should().HaveCount(100).And.AllSatisfy(isFree => isFree.Should().BeTrue());
    }

    [Fact]
    public async Task Jobs_come_before_work_of_others_and_the_oldest_work_before_newer()
    {
        var shared = new SharedWork();
        using var lane = new ComputeLane("test", shared: shared);
        using var release = new ManualResetEventSlim();
        List<string> done = [];
        var running = lane.RunAsync(release.Wait);
        Task[] offers = [new(() => done.Add("older work")), new(() => done.Add("newer work"))];
        foreach (var offer in offers)
        {
            shared.Offer(offer);
        }

        var job = lane.RunAsync(() => done.Add("job"));
        release.Set();
        await Task.WhenAll([running, job, .. offers]);

        done.Should().Equal("job", "older work", "newer work");
    }

    [Fact]
    public async Task What_is_withdrawn_is_not_done_by_others()
    {
        var shared = new SharedWork();
        using var lane = new ComputeLane("test", shared: shared);
        using var release = new ManualResetEventSlim();
        var running = lane.RunAsync(release.Wait);
        var (withdrawn, other) = (new Task(() => { }), new Task(() => { }));
        shared.Offer(withdrawn);
        shared.Offer(other);

        shared.TryWithdraw(withdrawn).Should().BeTrue();
        shared.TryWithdraw(withdrawn).Should().BeFalse();
        release.Set();
        await running;
        await other;

        withdrawn.Status.Should().Be(TaskStatus.Created);
        shared.TryWithdraw(other).Should().BeFalse();
    }

    [Fact]
    public async Task A_failure_is_seen_by_who_offered_the_work_and_the_lane_goes_on()
    {
        var shared = new SharedWork();
        using var lane = new ComputeLane("test", shared: shared);
        await lane.RunAsync(() => { });
        var work = new Task(() => throw new InvalidOperationException("broken"));

        shared.Offer(work);

        await work.Invoking(it => it).Should().ThrowAsync<InvalidOperationException>().WithMessage("broken");
        (await lane.RunAsync(() => 42)).Should().Be(42);
    }

    [Fact]
    public async Task A_lane_that_has_ended_is_not_called()
    {
        var shared = new SharedWork();
        using var lane = new ComputeLane("test", shared: shared);
        await lane.RunAsync(() => { });
        using (var ended = new ComputeLane("ended", shared: shared))
        {
            await ended.RunAsync(() => { });
        }

        shared.HasHelpers.Should().BeFalse();
        var work = new Task<bool>(() => lane.IsCurrent);
        shared.Offer(work);

        (await work).Should().BeTrue();
    }
}
