using System.Globalization;
using System.Text.Json;

namespace IotaOrleans.Host.Web;

/// <summary>
/// Sends a run's events as they happen (the HTML standard's server-sent events), until the client leaves or the host stops.
/// The id of each is its number, so that a browser that reconnects continues where it was.
/// </summary>
internal sealed class EventStreamResult(IRunViewGrain view, long after, CancellationToken stopping) : IResult
{
    /// <summary>A silent stream says that it is alive this often, and finds out whether anyone listens.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan ReconnectDelay = TimeSpan.FromSeconds(2);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, stopping);
        var response = httpContext.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache, no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        try
        {
            await response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"retry: {ReconnectDelay.TotalMilliseconds}\n\n"), leaving.Token);
            await SendAsync(response, leaving.Token);
        }
        catch (OperationCanceledException) when (leaving.IsCancellationRequested)
        {
            // The end of a stream is that somebody left.
        }
    }

    private async Task SendAsync(HttpResponse response, CancellationToken leaving)
    {
        var last = after;
        while (true)
        {
            await response.Body.FlushAsync(leaving);
            var events = await view.GetEventsAsync(last, Patience).WaitAsync(leaving);
            foreach (var happened in events)
            {
                var json = JsonSerializer.Serialize(happened, ApiJson.Options);
                await response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"id: {happened.Number}\ndata: {json}\n\n"), leaving);
                last = happened.Number;
            }

            if (events.IsEmpty)
            {
                await response.WriteAsync(": still here\n\n", leaving);
            }
        }
    }
}
