using IotaOrleans.Host.Archive;
using IotaOrleans.Host.CommandLine.Models;
using IotaOrleans.Host.Hosting;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Status;
using IotaOrleans.Training.Inference;

namespace IotaOrleans.Host.CommandLine.Training;

/// <summary>One session of a run: brings up the swarm, starts or resumes the run, follows it to its end and takes the swarm down.</summary>
internal sealed class TrainSession(TrainSessionOptions options, IRunReporter reporter, TimeProvider time)
{
    private readonly RunProgress _progress = new();

    public async Task<int> RunAsync(Func<RunPreparation, CancellationToken, PreparedRun> prepare)
    {
        ChildSilos? started = null;
        using var interruption = new Interruption(beforeLeaving: () =>
        {
            started?.Kill();
            reporter.Abandon();
        });
        if (options.Web is { } web)
        {
            LoopbackPorts.Require(web.Port, "--http-port");
        }

        LoopbackPorts.Require(options.SiloPort, "--silo-port");
        using var archive = options.Archive is { } address ? new S3Archive(address) : null;
        await (archive?.RequireAsync(interruption.Requested) ?? Task.CompletedTask);
        using var run = await Task.Run(() => prepare(new RunPreparation(options.Runs, reporter), interruption.Requested));
        using var log = new RunLog(run.Folder.LogFile);
        Describe(run);
        var endpoints = SiloEndpoints.NewCluster(options.Address, options.SiloPort) with { Transport = options.Transport, Store = options.Store };
        var plan = MinerPlan.Deal([.. run.Specification.Shards.Select(shard => shard.Miner).Distinct().Except(run.RemoteMiners)], run.Silos);
        var since = time.GetUtcNow();
        reporter.Waiting("starting the control silo");
        await using var host = await ControlHost.StartAsync(HostOptions(run, endpoints, plan, log), interruption.Requested);
        // Disposed in reverse: the miners leave before the control silo that they depend on.
        await using var children = started = new ChildSilos(endpoints, log.Write);
        Invite(run, endpoints);

        var recorder = new StatusRecorder(run.Folder, host.Page, () => host.StoreWarning, time);
        if (host.Page is { } page)
        {
            reporter.Fact("page", page.ToString());
        }

        reporter.Waiting(plan.Silos.Count > 0 ? $"starting {Figures.Plural(plan.Silos.Count, "miner silo")}" : "loading the stages");
        await children.StartAsync(plan.Silos, host.Grains, interruption.Requested);
        await MinerPresence.WaitForAllAsync(
            host.Grains, run.RemoteMiners, since, missing => reporter.Waiting($"waiting for {string.Join(", ", missing)} to join"), interruption.Requested);
        await using var archiver = archive is not null ? new CheckpointArchiver(archive, run.Folder, run.Specification.CheckpointsKept, reporter.Notice) : null;
        var last = await new RunConductor(run, host, children, _progress, reporter, recorder, archiver, time).RunAsync(interruption.Requested);
        if (archiver is not null)
        {
            reporter.Waiting($"copying the last checkpoint to {options.Archive}");
            await archiver.FinishAsync();
        }

        await reporter.EndAsync(End(run, last));
        return (int)(last is RunFailed ? ExitCode.Failed : ExitCode.Success);
    }

    /// <summary>Tells how miners come in: those that the run waits for, and in elastic mode anybody.</summary>
    private void Invite(PreparedRun run, SiloEndpoints endpoints)
    {
        var invitation = $"iota join {(endpoints.Store is null ? $"--cluster {endpoints.Primary}" : "--store URL")} --cluster-id {endpoints.ClusterId}";
        foreach (var miner in run.RemoteMiners)
        {
            reporter.Fact("join", $"{invitation} --miner {miner}");
        }

        if (run.RemoteMiners.Count == 0 && run.Specification.Mode == TrainingMode.Elastic)
        {
            reporter.Fact("join", invitation);
        }
    }

    private ControlHostOptions HostOptions(PreparedRun run, SiloEndpoints endpoints, MinerPlan plan, RunLog log) => new()
    {
        Endpoints = endpoints,
        Database = run.Folder.StateDatabase,
        Miners = plan.Embedded,
        Web = options.Web,
        Telemetry = options.Telemetry,
        Logging = new HostLogging { File = log, Notice = reporter.Notice, Verbose = options.Verbose },
    };

    private RunEnding End(PreparedRun run, RunEvent last)
    {
        var resume = last is RunFinished ? null : $"iota train --resume {run.Folder.Name}{(options.Runs == "runs" ? "" : $" --runs {options.Runs}")}";
        return new RunEnding(last, last is RunFinished finished ? Sample(finished.Checkpoint) : null, resume);
    }

    private string? Sample(string checkpoint)
    {
        if (options.SampleTokens == 0)
        {
            return null;
        }

        reporter.Waiting("writing a sample");
        try
        {
            return options.SamplePrompt + string.Concat(SampleText.Continue(checkpoint, options.SamplePrompt, options.SampleTokens, new SamplingOptions()));
        }
        catch (IotaException failure)
        {
            reporter.Notice($"no sample: {failure.Message}");
            return null;
        }
    }

    private void Describe(PreparedRun run)
    {
        var specification = run.Specification;
        var model = specification.Model;
        reporter.Fact("model", $"{model.BlockCount} blocks of {model.HiddenSize} in {Figures.Plural(specification.Stages.Length, "stage")}, context {specification.ContextLength}{(model.Bottleneck is { } bottleneck ? $", bottlenecks of {bottleneck.Width}" : "")}");
        reporter.Fact("steps", $"{Figures.Count(specification.Steps)} of {Figures.Plural(specification.BatchSize, "sequence")} in {Figures.Plural(specification.MicroBatches, "micro-batch", "micro-batches")}");
        var miners = specification.Shards.Select(shard => shard.Miner).Distinct().Count();
        reporter.Fact("swarm", run switch
        {
            { RemoteMiners.Count: > 0 } => $"{Figures.Plural(run.RemoteMiners.Count, "miner")} on other machines: {string.Join(", ", run.RemoteMiners)}",
            { Silos: 0 } => $"{Figures.Plural(miners, "miner")} in this process",
            _ => $"{Figures.Plural(miners, "miner")} on {Figures.Plural(Math.Min(run.Silos, miners), "silo")}",
        });
        reporter.Fact("run", Figures.Place(run.Folder.FullPath));
        if (options.Store is { } store)
        {
            reporter.Fact("store", store.ToString());
        }

        if (options.Archive is { } address)
        {
            reporter.Fact("archive", address.ToString());
        }
    }
}
