using System.Text.Json;
using IotaOrleans.ClusterTests.Grains;

namespace IotaOrleans.ClusterTests.Web;

public sealed class EventStreamTests(WebSiloFixture fixture) : IClassFixture<WebSiloFixture>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private WebSilo Silo => fixture.Silo;

    [Fact]
    public async Task Events_arrive_while_they_happen_in_order_and_under_their_numbers()
    {
        await Silo.View("live").PublishAsync(RunPhase.Training, [RunEvents.Started("live")]);
        using var stream = await OpenAsync("/api/v1/runs/live/events");

        (await NextAsync(stream)).Should().Be((1, "started"));
        await Silo.View("live").PublishAsync(RunPhase.Training, [RunEvents.Step(1), RunEvents.Evaluation(1, 2)]);

        (await NextAsync(stream)).Should().Be((2, "step"));
        (await NextAsync(stream)).Should().Be((3, "evaluation"));
    }

    [Theory]
    [InlineData("?after=2", null, 3)]
    [InlineData("", "3", 4)]
    [InlineData("?after=1", "3", 4)]
    public async Task A_reader_continues_behind_the_last_event_it_saw(string query, string? lastEventId, int expected)
    {
        var run = $"continued-{expected}-{query.Length}";
        await Silo.View(run).PublishAsync(RunPhase.Training, [RunEvents.Started(run), RunEvents.Step(1), RunEvents.Step(2), RunEvents.Step(3)]);

        using var stream = await OpenAsync($"/api/v1/runs/{run}/events{query}", lastEventId);

        (await NextAsync(stream)).Number.Should().Be(expected);
    }

    [Fact]
    public async Task A_number_from_an_earlier_life_of_the_run_does_not_hide_what_comes()
    {
        await Silo.View("reborn").PublishAsync(RunPhase.Training, [RunEvents.Started("reborn")]);
        using var stream = await OpenAsync("/api/v1/runs/reborn/events", "5000");
        await Silo.View("reborn").PublishAsync(RunPhase.Training, [RunEvents.Step(1)]);

        (await NextAsync(stream)).Should().Be((2, "step"));
    }

    [Fact]
    public async Task A_silo_with_a_reader_still_stops_at_once()
    {
        await using var silo = await WebSilo.StartAsync();
        await silo.View("stopping").PublishAsync(RunPhase.Training, [RunEvents.Started("stopping")]);
        using var response = await silo.Client.GetAsync("/api/v1/runs/stopping/events", HttpCompletionOption.ResponseHeadersRead);
        using var stream = new StreamReader(await response.Content.ReadAsStreamAsync());
        (await NextAsync(stream)).Number.Should().Be(1);

        var stopping = silo.StopAsync();

        // Far less than the time that the reader's call would still wait for events.
        await stopping.WaitAsync(TimeSpan.FromSeconds(8));
        (await stream.ReadToEndAsync().WaitAsync(Patience)).Trim().Should().BeEmpty();
    }

    private async Task<StreamReader> OpenAsync(string path, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        var response = await Silo.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.Content.Headers.ContentType!.MediaType.Should().Be("text/event-stream");
        return new StreamReader(await response.Content.ReadAsStreamAsync());
    }

    private static async Task<(long Number, string Event)> NextAsync(StreamReader stream)
    {
        long number = 0;
        while (await stream.ReadLineAsync().WaitAsync(Patience) is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal))
            {
                number = long.Parse(line[4..]);
            }
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                using var json = JsonDocument.Parse(line[6..]);
                json.RootElement.GetProperty("number").GetInt64().Should().Be(number);
                return (number, json.RootElement.GetProperty("event").GetString()!);
            }
        }

        throw new EndOfStreamException("the stream ended before the next event");
    }
}
