using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace IotaOrleans.Host.Web;

/// <summary>The read-only API: what a run's view shows, as JSON.</summary>
internal static class ApiEndpoints
{
    /// <summary>The list of runs shows the newest ones only.</summary>
    private const int MaximumRuns = 100;

    private static readonly List<ApiEndpoint> Description =
    [
        new("/runs", "The newest runs, oldest first."),
        new("/runs/{run}", "Everything a dashboard shows of a run."),
        new("/runs/{run}/stages", "Who holds which decoder blocks, and how busy each is."),
        new("/runs/{run}/phases", "What each stage of a run in elastic mode waits for, and until when."),
        new("/runs/{run}/miners", "Each miner's part, work and pay."),
        new("/runs/{run}/epochs", "The newest settled reward epochs, with a payslip and its reason per miner."),
        new("/runs/{run}/epochs/{epoch}", "One settled reward epoch."),
        new("/runs/{run}/events", "What happens, as server-sent events; ?after=NUMBER or Last-Event-ID continues after an event."),
        new("/miners/{miner}", "A miner over all its runs."),
    ];

    /// <summary>Maps the API under <see cref="HostDefaults.ApiPath"/>.</summary>
    public static IEndpointConventionBuilder MapIotaApi(this IEndpointRouteBuilder endpoints)
    {
        var api = endpoints.MapGroup(HostDefaults.ApiPath);
        api.MapGet("/", () => TypedResults.Json(Description, ApiJson.Options));
        api.MapGet("/runs", GetRunsAsync);
        api.MapGet("/runs/{run}", (string run, IGrainFactory grains) => WithViewAsync(run, grains, Json));
        api.MapGet("/runs/{run}/stages", (string run, IGrainFactory grains) => WithViewAsync(run, grains, view => Json(view.Stages)));
        api.MapGet("/runs/{run}/phases", GetPhasesAsync);
        api.MapGet("/runs/{run}/miners", (string run, IGrainFactory grains) => WithViewAsync(run, grains, view => Json(RunMiner.Of(view))));
        api.MapGet("/runs/{run}/epochs", (string run, IGrainFactory grains) => WithViewAsync(run, grains, view => Json(view.Epochs)));
        api.MapGet("/runs/{run}/epochs/{epoch:int}", GetEpochAsync);
        api.MapGet("/runs/{run}/events", GetEventsAsync);
        api.MapGet("/miners/{miner}", GetMinerAsync);
        return api;
    }

    private static async Task<IResult> GetRunsAsync(IGrainFactory grains)
    {
        var runs = await Catalog(grains).ListAsync();
        var views = await Task.WhenAll(runs.TakeLast(MaximumRuns).Select(run => grains.GetGrain<IRunViewGrain>(run).GetAsync()));
        return Json(views.OfType<RunView>().Select(RunSummary.Of));
    }

    /// <summary>Stages have phases while they train, in elastic mode; otherwise the list is empty.</summary>
    private static Task<IResult> GetPhasesAsync(string run, IGrainFactory grains, TimeProvider time) => WithViewAsync(run, grains, async view =>
    {
        var stages = view.Phase is RunPhase.Training or RunPhase.Stopping ? view.Stages.Select(stage => stage.Stage).Distinct().Order().ToArray() : [];
        var standings = await Task.WhenAll(stages.Select(async stage =>
            await grains.GetGrain<IStageGrain>(string.Create(CultureInfo.InvariantCulture, $"{run}/{stage}")).GetPhasesAsync() is { } state
                ? StageStanding.Of(stage, state, time.GetUtcNow())
                : null));
        return Json(standings.OfType<StageStanding>());
    });

    private static Task<IResult> GetEpochAsync(string run, int epoch, IGrainFactory grains) => WithViewAsync(run, grains, async view =>
    {
        var settlement = view.Epochs.FirstOrDefault(settled => settled.Epoch == epoch);
        if (settlement is null && epoch >= 0 && epoch < view.Epoch)
        {
            // Older than what the view keeps.
            settlement = await grains.GetGrain<IRewardEpochGrain>(string.Create(CultureInfo.InvariantCulture, $"{run}/{epoch}")).GetAsync();
        }

        return settlement is null
            ? NotFound("No such epoch", $"Epoch {epoch} of run '{run}' is not settled; the open one is {view.Epoch}.")
            : Json(settlement);
    });

    private static Task<IResult> GetEventsAsync(string run, long? after, HttpContext context, IGrainFactory grains, IHostApplicationLifetime host) =>
        WithViewAsync(run, grains, view =>
        {
            var lastSeen = long.TryParse(context.Request.Headers["Last-Event-ID"], CultureInfo.InvariantCulture, out var id) ? id : after ?? 0;

            // A number from a later life of the run than storage remembers would wait for ever.
            return new EventStreamResult(grains.GetGrain<IRunViewGrain>(run), Math.Clamp(lastSeen, 0, view.LastEvent), host.ApplicationStopping);
        });

    private static async Task<IResult> GetMinerAsync(string miner, IGrainFactory grains)
    {
        var state = await grains.GetGrain<IMinerGrain>(miner).GetAsync();
        return state is { LastSeen: null, Run: null, BackwardPasses: 0 }
            ? NotFound("No such miner", $"No miner '{miner}' has reported or worked here: {HostDefaults.ApiPath}/runs/RUN/miners lists those of a run.")
            : Json(state);
    }

    private static Task<IResult> WithViewAsync(string run, IGrainFactory grains, Func<RunView, IResult> respond) =>
        WithViewAsync(run, grains, view => Task.FromResult(respond(view)));

    private static async Task<IResult> WithViewAsync(string run, IGrainFactory grains, Func<RunView, Task<IResult>> respond)
    {
        // The catalog first: a name that nobody uses must not bring a grain to life.
        var runs = await Catalog(grains).ListAsync();
        var view = runs.Contains(run) ? await grains.GetGrain<IRunViewGrain>(run).GetAsync() : null;
        if (view is not null)
        {
            return await respond(view);
        }

        var remedy = runs.IsEmpty ? "No run exists yet; start one with 'iota train'." : $"{HostDefaults.ApiPath}/runs lists the runs; the newest is '{runs[^1]}'.";
        return NotFound("No such run", $"There is no run '{run}'. {remedy}");
    }

    private static IRunCatalogGrain Catalog(IGrainFactory grains) => grains.GetGrain<IRunCatalogGrain>(IRunCatalogGrain.Key);

    private static JsonHttpResult<T> Json<T>(T value) => TypedResults.Json(value, ApiJson.Options);

    private static ProblemHttpResult NotFound(string title, string detail) =>
        TypedResults.Problem(statusCode: StatusCodes.Status404NotFound, title: title, detail: detail);
}
