using System.Net;
using System.Text.Json;
using IotaOrleans.ClusterTests.Grains;

namespace IotaOrleans.ClusterTests.Web;

public sealed class ApiTests(WebSiloFixture fixture) : IClassFixture<WebSiloFixture>
{
    private WebSilo Silo => fixture.Silo;

    [Fact]
    public async Task A_run_is_shown_with_everything_that_a_dashboard_needs()
    {
        await PublishAsync("shown");

        var run = await GetAsync("/api/v1/runs/shown");

        run.GetProperty("run").GetString().Should().Be("shown");
        run.GetProperty("phase").GetString().Should().Be("training");
        run.GetProperty("step").GetInt64().Should().Be(3);
        run.GetProperty("tokens").GetInt64().Should().Be(3 * 2_048);
        run.GetProperty("validationLoss").GetDouble().Should().Be(2.25);
        run.GetProperty("losses").GetArrayLength().Should().Be(3);
        run.GetProperty("stages")[1].GetProperty("blocks").GetProperty("first").GetInt32().Should().Be(2);
        run.GetProperty("lastEvent").GetInt64().Should().Be(6);
    }

    [Fact]
    public async Task The_list_has_every_run_oldest_first()
    {
        await PublishAsync("list-b");
        await PublishAsync("list-a");

        var runs = (await GetAsync("/api/v1/runs")).EnumerateArray().Select(run => run.GetProperty("run").GetString()).ToList();

        runs.IndexOf("list-b").Should().BeGreaterThanOrEqualTo(0).And.BeLessThan(runs.IndexOf("list-a"));
    }

    [Fact]
    public async Task Stages_miners_and_epochs_have_addresses_of_their_own()
    {
        await PublishAsync("parts");

        var stages = await GetAsync("/api/v1/runs/parts/stages");
        var miners = await GetAsync("/api/v1/runs/parts/miners");
        var epochs = await GetAsync("/api/v1/runs/parts/epochs");
        var epoch = await GetAsync("/api/v1/runs/parts/epochs/0");

        stages[0].GetProperty("busyShare").GetDouble().Should().Be(0.75);
        miners.EnumerateArray().Select(miner => (miner.GetProperty("miner").GetString(), miner.GetProperty("paid").GetInt64()))
            .Should().Equal(("ada", 500_000), ("bob", 500_000));
        epochs.GetArrayLength().Should().Be(1);
        epoch.GetProperty("payslips")[0].GetProperty("reason").GetString().Should().StartWith("1,024 of 2,048");
    }

    [Fact]
    public async Task An_epoch_that_the_view_no_longer_keeps_is_read_from_its_grain()
    {
        var settlement = await Silo.Grains.GetGrain<IRewardEpochGrain>("long/0").CloseAsync(new RewardPolicy { Emission = 7 });
        await Silo.View("long").PublishAsync(RunPhase.Training, [.. Enumerable.Range(1, 101).Select(epoch => RunEvents.EpochClosed("long", epoch))]);

        (await GetAsync("/api/v1/runs/long/epochs/0")).GetProperty("burned").GetInt64().Should().Be(settlement.Burned);
    }

    [Fact]
    public async Task Phases_say_what_a_stage_waits_for_and_until_when()
    {
        await PublishAsync("phases");
        (await GetAsync("/api/v1/runs/phases/phases")).GetArrayLength().Should().Be(0, "exact mode has none");
        await Silo.Grains.GetGrain<IStageGrain>("phases/1").OpenAsync(new StageOpening(Guid.NewGuid(), ["bob", "carol"], new SwarmSettings()));

        var phase = (await GetAsync("/api/v1/runs/phases/phases")).EnumerateArray().Should().ContainSingle().Which;

        (phase.GetProperty("stage").GetInt32(), phase.GetProperty("phase").GetString(), phase.GetProperty("round").GetInt64()).Should().Be((1, "training", 1));
        phase.GetProperty("waits").GetString().Should().Contain("waits for bob, carol until ").And.Contain("UTC");
        phase.GetProperty("deadline").GetDateTimeOffset().Should().BeAfter(DateTimeOffset.UtcNow.AddMinutes(-1));
    }

    [Fact]
    public async Task A_miner_is_shown_over_all_its_runs()
    {
        await Silo.Grains.GetGrain<IMinerGrain>("carol").ReportAsync(new MinerCapability("silo", 4, 8L << 30));

        (await GetAsync("/api/v1/miners/carol")).GetProperty("capability").GetProperty("lanes").GetInt32().Should().Be(4);
    }

    [Theory]
    [InlineData("/api/v1/runs/nowhere", "There is no run 'nowhere'")]
    [InlineData("/api/v1/runs/nowhere/events", "There is no run 'nowhere'")]
    [InlineData("/api/v1/runs/known/epochs/9", "the open one is 1")]
    [InlineData("/api/v1/miners/nobody", "No miner 'nobody'")]
    public async Task What_does_not_exist_is_a_problem_with_a_helpful_detail(string path, string detail)
    {
        await PublishAsync("known");

        using var response = await Silo.Client.GetAsync(path);

        response.StatusCode.Should().Be(HttpStatusCode.NotFound);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/problem+json");
        (await ReadAsync(response)).GetProperty("detail").GetString().Should().Contain(detail);
    }

    [Fact]
    public async Task An_unknown_address_is_a_problem_too()
    {
        using var response = await Silo.Client.GetAsync("/api/v1/nothing/here");

        response.StatusCode.Should().Be(HttpStatusCode.NotFound);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/problem+json");
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task Nothing_can_be_changed(string method)
    {
        await PublishAsync("fixed");
        using var request = new HttpRequestMessage(new HttpMethod(method), "/api/v1/runs/fixed");

        using var response = await Silo.Client.SendAsync(request);

        response.StatusCode.Should().Be(HttpStatusCode.MethodNotAllowed);
    }

    [Fact]
    public async Task A_loss_that_is_not_a_number_does_not_break_the_answer()
    {
        await Silo.View("diverged").PublishAsync(RunPhase.Training, [RunEvents.Started("diverged"), RunEvents.Step(1) with { Loss = double.NaN }]);

        (await GetAsync("/api/v1/runs/diverged")).GetProperty("loss").GetString().Should().Be("NaN");
    }

    [Fact]
    public async Task The_api_describes_itself_and_every_described_address_is_there()
    {
        var endpoints = (await GetAsync("/api/v1")).EnumerateArray().Select(endpoint => endpoint.GetProperty("path").GetString()!).ToList();

        endpoints.Should().HaveCount(9).And.Contain("/runs/{run}/events");
    }

    private async Task PublishAsync(string run) => await Silo.View(run).PublishAsync(RunPhase.Training, [
        RunEvents.Started(run), RunEvents.Step(1), RunEvents.Step(2), RunEvents.Evaluation(2, 2.25), RunEvents.Step(3), RunEvents.EpochClosed(run, 0)]);

    private async Task<JsonElement> GetAsync(string path)
    {
        using var response = await Silo.Client.GetAsync(path);
        response.StatusCode.Should().Be(HttpStatusCode.OK, path);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/json");
        return await ReadAsync(response);
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response)
    {
        using var document = JsonDocument.Parse(await response.Content.ReadAsStreamAsync());
        return document.RootElement.Clone();
    }
}
