using System.Net;
using IotaOrleans.ClusterTests.Grains;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;
using Orleans.Storage;

namespace IotaOrleans.ClusterTests.Web;

public sealed class HealthAndMetricsTests
{
    [Fact]
    public async Task A_working_silo_is_live_and_ready_and_says_why()
    {
        await using var silo = await WebSilo.StartAsync();

        (await silo.Client.GetStringAsync("/health/live")).Should().Be("""{"status":"ok","checks":{}}""");
        (await silo.Client.GetStringAsync("/health/ready")).Should().Be("""{"status":"ok","checks":{"silo":"the silo is active","storage":"storage answers"}}""");
    }

    [Fact]
    public async Task A_silo_whose_storage_fails_is_live_but_not_ready()
    {
        await using var silo = await WebSilo.StartAsync(configure: builder =>
            builder.Services.AddKeyedSingleton<IGrainStorage>(StorageNames.Control, (_, _) => new BrokenStorage()));

        using var live = await silo.Client.GetAsync("/health/live");
        using var ready = await silo.Client.GetAsync("/health/ready");

        live.StatusCode.Should().Be(HttpStatusCode.OK);
        ready.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        (await ready.Content.ReadAsStringAsync()).Should().Contain("storage does not answer").And.NotContain("secret");
    }

    [Fact]
    public async Task Metrics_show_steps_the_runtime_and_Orleans_and_no_name_of_a_run()
    {
        await using var silo = await WebSilo.StartAsync();
        // Instruments are the process's: other tests publish steps of other miners meanwhile.
        var started = RunEvents.Started("unnamed-run");
        started = started with { Stages = [started.Stages[0], started.Stages[1] with { Miner = "measured" }] };
        await silo.View("unnamed-run").PublishAsync(RunPhase.Training, [started, RunEvents.Step(1), RunEvents.Step(2)]);

        var metrics = await silo.Client.GetStringAsync("/metrics");

        metrics.Should().MatchRegex("""(?m)^iota_tokens_total(\{[^}]*\})? \d+""");
        metrics.Should().MatchRegex("""(?m)^iota_stage_busy_share[a-z_]*\{[^}]*miner="measured"[^}]*stage="1"[^}]*\} 0\.5""");
        metrics.Should().MatchRegex("""(?m)^iota_step_duration_seconds_count""");
        metrics.Should().Contain("orleans_").And.Contain("dotnet_");
        metrics.Should().NotContain("unnamed-run");
    }

    private sealed class BrokenStorage : IGrainStorage
    {
        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => throw new InvalidOperationException("secret connection string");

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => throw new NotSupportedException();

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => throw new NotSupportedException();
    }
}
