// Follows a run over the HTTP API, with nothing but the base class library:
//   iota train --http-port 8080
//   dotnet run --project samples/FollowRun -- http://127.0.0.1:8080
using System.Net.ServerSentEvents;
using System.Text.Json;

using var http = new HttpClient { BaseAddress = new Uri(args.Length > 0 ? args[0] : "http://127.0.0.1:8080"), Timeout = Timeout.InfiniteTimeSpan };
using var runs = JsonDocument.Parse(await http.GetStringAsync("api/v1/runs"));
var run = runs.RootElement.EnumerateArray().Select(entry => entry.GetProperty("run").GetString()).LastOrDefault();
if (run is null)
{
    await Console.Error.WriteLineAsync("the cluster knows no run yet: start one with iota train");
    return 1;
}

await using var stream = await http.GetStreamAsync($"api/v1/runs/{run}/events");
await foreach (var item in SseParser.Create(stream).EnumerateAsync())
{
    using var happened = JsonDocument.Parse(item.Data);
    var name = happened.RootElement.GetProperty("event").GetString();
    var step = happened.RootElement.GetProperty("step").GetInt64();
    var detail = name switch
    {
        "step" => $"loss {happened.RootElement.GetProperty("loss").GetDouble():0.0000}",
        "evaluation" or "finished" => $"validation loss {happened.RootElement.GetProperty("validationLoss").GetDouble():0.0000}",
        _ => "",
    };
    Console.WriteLine($"{step,8}  {name,-10} {detail}");
    if (name is "finished" or "failed" or "interrupted")
    {
        break;
    }
}

return 0;
