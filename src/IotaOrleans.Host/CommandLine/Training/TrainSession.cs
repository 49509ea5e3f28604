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
        var children = new ChildSilos();
        using var interruption = new Interruption(beforeLeaving: () =>
        {
            children.Kill();
            reporter.Abandon();
        });
        if (options.Web is { } web)
        {
            LoopbackPorts.Require(web.Port, "--http-port");
        }

        using var run = await Task.Run(() => prepare(new RunPreparation(options.Runs, reporter), interruption.Requested));
        using var log = new RunLog(run.Folder.LogFile);
        Describe(run);
        var endpoints = SiloEndpoints.NewCluster();
        var plan = MinerPlan.Deal(run.Specification.Miners, run.Silos);
        reporter.Waiting("starting the control silo");
        await using var host = await ControlHost.StartAsync(HostOptions(run, endpoints, plan, log), interruption.Requested);
        // Disposed in reverse: the miners leave before the control silo that they depend on.
        await using var stoppedFirst = children;
        var recorder = new StatusRecorder(run.Folder, host.Page, time);
        if (host.Page is { } page)
        {
            reporter.Fact("page", page.ToString());
        }

        reporter.Waiting(plan.Silos.Count > 0 ? $"starting {Figures.Plural(plan.Silos.Count, "miner silo")}" : "loading the stages");
        await children.StartAsync(plan.Silos, endpoints, host.Grains, log.Write, interruption.Requested);
        var ending = await FollowAsync(run, host.Grains, children, recorder, interruption.Requested);
        await reporter.EndAsync(ending);
        return (int)(ending.Event is RunFailed ? ExitCode.Failed : ExitCode.Success);
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

    private async Task<RunEnding> FollowAsync(PreparedRun run, IGrainFactory grains, ChildSilos children, StatusRecorder recorder, CancellationToken interrupted)
    {
        var name = run.Specification.Run;
        var grain = grains.GetGrain<ITrainingRunGrain>(name);
        var follower = new RunFollower(grains.GetGrain<IRunViewGrain>(name), _progress, reporter);
        await follower.CatchUpAsync();
        // A run whose first session ended before its first step has a folder but no state yet.
        var hasPast = run.Resumes && await grain.GetAsync() is not null;
        await (hasPast ? grain.ResumeAsync(run.Specification) : grain.StartAsync(run.Specification));
        recorder.Record(RunPhase.Preparing, _progress, always: true);

        using var following = new CancellationTokenSource();
        await using var stopping = interrupted.Register(() => _ = StopAsync(grain, recorder));
        var end = follower.FollowAsync(_ => recorder.Record(RunPhase.Training, _progress, always: false), following.Token);
        var lost = children.LostAsync();
        if (await Task.WhenAny(end, lost) == lost)
        {
            // The run grain may survive the loss of a silo; if it does not, it says so in an event of its own.
            reporter.Notice((await lost).Message);
        }

        var last = await end;
        recorder.Record(PhaseAfter(last), _progress, always: true);
        var resume = last is RunFinished ? null : $"iota train --resume {name}{(options.Runs == "runs" ? "" : $" --runs {options.Runs}")}";
        return new RunEnding(last, last is RunFinished finished ? Sample(finished.Checkpoint) : null, resume);
    }

    private async Task StopAsync(ITrainingRunGrain grain, StatusRecorder recorder)
    {
        reporter.Notice("stopping: finishing the steps in flight and writing a checkpoint (Ctrl+C again leaves at once)");
        recorder.Record(RunPhase.Stopping, _progress, always: true);
        try
        {
            await grain.StopAsync();
        }
#pragma warning disable CA1031 // Nobody awaits this; the run goes on or ends by itself, and the second Ctrl+C always works.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            reporter.Notice($"the run could not be stopped: {failure.Message}");
        }
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
        reporter.Fact("model", $"{model.BlockCount} blocks of {model.HiddenSize} in {Figures.Plural(specification.Stages.Length, "stage")}, context {specification.ContextLength}");
        reporter.Fact("steps", $"{Figures.Count(specification.Steps)} of {Figures.Plural(specification.BatchSize, "sequence")} in {Figures.Plural(specification.MicroBatches, "micro-batch", "micro-batches")}");
        reporter.Fact("swarm", run.Silos == 0
            ? $"{Figures.Plural(specification.Miners.Length, "miner")} in this process"
            : $"{Figures.Plural(specification.Miners.Length, "miner")} on {Figures.Plural(Math.Min(run.Silos, specification.Miners.Length), "silo")}");
        reporter.Fact("run", Figures.Place(run.Folder.FullPath));
    }

    private static RunPhase PhaseAfter(RunEvent last) => last switch
    {
        RunFinished => RunPhase.Finished,
        RunInterrupted => RunPhase.Interrupted,
        _ => RunPhase.Failed,
    };
}
