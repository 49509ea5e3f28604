namespace IotaOrleans.ClusterTests.Grains;

public sealed class RunViewGrainTests(ControlCluster cluster) : IClassFixture<ControlCluster>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_view_that_was_never_published_is_null_and_has_no_events()
    {
        var view = View("nobody");

        (await view.GetAsync()).Should().BeNull();
        (await view.GetEventsAsync(0, TimeSpan.Zero)).Should().BeEmpty();
    }

    [Fact]
    public async Task Events_are_numbered_from_one_and_read_from_any_position()
    {
        var view = View("numbered");
        await view.PublishAsync(RunPhase.Training, [RunEvents.Started("numbered"), RunEvents.Step(1), RunEvents.Step(2)]);

        (await view.GetEventsAsync(0, Patience)).Select(e => e.Number).Should().Equal(1, 2, 3);
        (await view.GetEventsAsync(2, Patience)).Should().ContainSingle().Which.Should().BeOfType<StepCompleted>().Which.Step.Should().Be(2);
    }

    [Fact]
    public async Task Whoever_waits_is_woken_by_the_next_event()
    {
        var view = View("waiting");
        await view.PublishAsync(RunPhase.Preparing, []);
        var waiting = view.GetEventsAsync(0, Patience);

        // A read that comes back shows that the waiting call does not block the grain.
        (await view.GetAsync())!.Phase.Should().Be(RunPhase.Preparing);
        waiting.IsCompleted.Should().BeFalse();
        await view.PublishAsync(RunPhase.Training, [RunEvents.Step(1)]);

        (await waiting.WaitAsync(Patience / 2)).Should().ContainSingle().Which.Number.Should().Be(1);
    }

    [Fact]
    public async Task The_view_and_the_numbering_survive_a_reload()
    {
        var view = View("reloaded");
        await view.PublishAsync(RunPhase.Training, [RunEvents.Started("reloaded"), RunEvents.Step(1), RunEvents.EpochClosed("reloaded", 0)]);
        await view.PublishAsync(RunPhase.Training, [RunEvents.Step(2)]);
        var before = await view.GetAsync();

        await cluster.ReloadAsync(view);
        (await view.GetAsync()).Should().BeEquivalentTo(before);
        before!.LastEvent.Should().Be(4);
        await view.PublishAsync(RunPhase.Training, [RunEvents.Step(3)]);

        (await view.GetEventsAsync(0, Patience)).Should().ContainSingle().Which.Number.Should().Be(5);
    }

    [Fact]
    public async Task A_published_run_is_in_the_catalog()
    {
        await View("listed").PublishAsync(RunPhase.Created, []);

        (await cluster.Grains.GetGrain<IRunCatalogGrain>(IRunCatalogGrain.Key).ListAsync()).Should().Contain("listed");
    }

    [Fact]
    public async Task One_call_returns_at_most_a_thousand_events()
    {
        var view = View("many");
        await view.PublishAsync(RunPhase.Training, [.. Enumerable.Range(1, 1_500).Select(RunEvents.Step)]);

        (await view.GetEventsAsync(0, Patience)).Should().HaveCount(1_000);
        (await view.GetEventsAsync(1_000, Patience)).Select(e => e.Number).Should().StartWith([1_001L]).And.HaveCount(500);
    }

    private IRunViewGrain View(string run) => cluster.Grains.GetGrain<IRunViewGrain>(run);
}
