using System.Diagnostics;
using IotaOrleans.Training.Lanes;
using TorchSharp;

namespace IotaOrleans.Tests.Lanes;

public sealed class ComputeLaneTests
{
    [Fact]
    public async Task Jobs_run_in_order_on_one_thread_with_one_intra_op_thread()
    {
        using var lane = new ComputeLane("test");
        var order = new List<int>();
        var threads = new HashSet<int>();
        var jobs = Enumerable.Range(0, 20).Select(i => lane.RunAsync(() =>
        {
            order.Add(i);
            threads.Add(Environment.CurrentManagedThreadId);
            torch.get_num_threads().Should().Be(1);
        }));
        await Task.WhenAll(jobs.ToArray());

        order.Should().Equal(Enumerable.Range(0, 20));
        threads.Should().ContainSingle().Which.Should().NotBe(Environment.CurrentManagedThreadId);
    }

    [Fact]
    public async Task A_lane_rests_for_the_share_that_is_not_its_own()
    {
        using var lane = new ComputeLane("test", processorShare: 0.25);
        var begin = Stopwatch.GetTimestamp();
        var computing = TimeSpan.Zero;
        for (var i = 0; i < 20; i++)
        {
            computing += await lane.RunAsync(() =>
            {
                var start = Stopwatch.GetTimestamp();
                while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(5))
                {
                    Thread.SpinWait(100);
                }

                return Stopwatch.GetElapsedTime(start);
            });
        }

        // The last rest is not waited for.
        await lane.RunAsync(() => { });
        Stopwatch.GetElapsedTime(begin).Should().BeGreaterThan(0.95 * lane.Occupied(computing));
        lane.Occupied(TimeSpan.FromSeconds(1)).Should().Be(TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task A_waiting_job_can_be_cancelled_and_never_runs()
    {
        using var lane = new ComputeLane("test");
        using var release = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        var ran = false;
        var first = lane.RunAsync(release.Wait);
        var second = lane.RunAsync(() => { ran = true; }, cancellation.Token);

        await cancellation.CancelAsync();
        await second.Invoking(task => task).Should().ThrowAsync<OperationCanceledException>();
        release.Set();
        await first;
        await lane.RunAsync(() => { });

        ran.Should().BeFalse();
    }

    [Fact]
    public async Task A_full_queue_makes_the_caller_wait()
    {
        using var lane = new ComputeLane("test", capacity: 1);
        using var release = new ManualResetEventSlim();
        using var started = new ManualResetEventSlim();
        var running = lane.RunAsync(() =>
        {
            started.Set();
            release.Wait();
        });
        started.Wait();
        lane.TryPost(() => { }).Should().BeTrue();

        lane.TryPost(() => { }).Should().BeFalse();

        release.Set();
        await running;
    }

    [Fact]
    public async Task A_failing_job_reaches_its_caller_and_the_lane_goes_on()
    {
        using var lane = new ComputeLane("test");

        await lane.Invoking(it => it.RunAsync(() => throw new InvalidOperationException("broken"))).Should().ThrowAsync<InvalidOperationException>().WithMessage("broken");

        (await lane.RunAsync(() => 42)).Should().Be(42);
    }

    [Fact]
    public async Task A_disposed_lane_refuses_jobs()
    {
        var lane = new ComputeLane("test");
        lane.Dispose();

        await lane.Invoking(it => it.RunAsync(() => { })).Should().ThrowAsync<ObjectDisposedException>();
    }
}
