using System.CommandLine;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Status;
using IotaOrleans.Host.Telemetry;
using IotaOrleans.Host.Web;

namespace IotaOrleans.Host.CommandLine.Training;

/// <summary><c>iota train</c>: one command from text to a trained model, with the swarm on this machine.</summary>
internal sealed class TrainCommand : IotaCommand
{
    private readonly DataSettings _data = new();
    private readonly ModelSettings _model = new();
    private readonly PipelineSettings _swarm = new();
    private readonly TrainingSettings _training = new();
    private readonly RhythmSettings _rhythm = new();
    private readonly TrustSettings _trust = new();
    private readonly RunSettings _run = new();
    private readonly WebSettings _web = new();
    private readonly OutputSettings _output = new();

    public TrainCommand()
        : base("train", "Trains a model on a swarm of miners, on this machine or over many.")
    {
        Use(_data, _model, _swarm, _training, _rhythm, _trust, _run, _web, _output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
    [
        ("iota train", "Train a small model in two stages and watch it learn"),
        ("iota train --data book.txt --tokenizer characters", "Learn from a text of yours, letter by letter"),
        ("iota train --preset tiny --stages 3 --silos 3", "A larger model over three processes"),
        ("iota train --remote-miners ada,bob --advertised-address 10.0.0.5", "Two stages on two other machines"),
        ("iota train --bottleneck 2 --wire bf16", "A 128th of the bytes between the stages"),
        ("iota train --store postgres://iota@db.example/iota", "Keep receipts and payouts in PostgreSQL"),
        ("iota train --run nightly --continue", "The same command starts it and, after a crash, goes on with it"),
        ("iota train --resume brisk-otter --steps 4000", "Go on with a run, for longer"),
        ("iota train --json --quiet | tail -1", "Only the result, for a script"),
    ];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        await using var reporter = RunReporters.Create(
            _output.Json.Of(parsed), _output.Quiet.Of(parsed), _output.Verbose.Of(parsed), _output.LogInterval.Of(parsed));
        var session = new TrainSession(ReadSession(parsed), reporter, TimeProvider.System);
        if (_run.Resume.Of(parsed) is { } run)
        {
            var resume = ReadResume(parsed, run);
            return await session.RunAsync((preparation, _) => preparation.Resume(resume));
        }

        RequireOnePlace(parsed);
        var request = ReadRequest(parsed);
        if (_run.Continue.Of(parsed))
        {
            var name = _run.Run.Of(parsed) ?? throw new IotaException(ExitCode.Usage, "--continue goes on with the run that --run names: give it a name");
            if (RunPreparation.FindBegun(_run.Runs.Of(parsed)!, name) is { } begun)
            {
                return RunStatus.Read(begun) is { Phase: RunPhase.Finished } status && status.Step >= request.Steps
                    ? await ReportFinishedAsync(name)
                    : await session.RunAsync((preparation, _) => preparation.Resume(new ResumeRequest { Run = name, Steps = request.Steps }));
            }
        }

        return await session.RunAsync((preparation, interrupted) =>
            preparation.Create(request, _run.Run.Of(parsed), _swarm.Silos.Of(parsed), interrupted));
    }

    /// <summary>Nothing is left to do, which is no failure: otherwise a supervisor would start it for ever.</summary>
    private static async Task<int> ReportFinishedAsync(string run)
    {
        await Console.Error.WriteLineAsync($"run {run} has finished: there is nothing to continue");
        return (int)ExitCode.Success;
    }

    private void RequireOnePlace(ParseResult parsed)
    {
        if (_swarm.RemoteMiners.Of(parsed) is not null && (_swarm.Miners.Of(parsed) is not null || _swarm.Silos.IsGiven(parsed)))
        {
            throw new IotaException(ExitCode.Usage, "--remote-miners names all miners of the run: leave --miners and --silos out");
        }
    }

    private TrainSessionOptions ReadSession(ParseResult parsed) => new()
    {
        Runs = _run.Runs.Of(parsed)!,
        Store = _run.Store.Of(parsed),
        Archive = _run.Archive.Of(parsed),
        Web = _web.NoHttp.Of(parsed) ? null : new WebOptions { Port = _web.HttpPort.Of(parsed) },
        Telemetry = new TelemetryOptions { OtlpEndpoint = _web.OtlpEndpoint.Of(parsed) },
        Address = _swarm.AdvertisedAddress.Of(parsed)!,
        SiloPort = _swarm.SiloPort.Of(parsed),
        Transport = _swarm.Transport.Of(parsed),
        Verbose = _output.Verbose.Of(parsed),
        SamplePrompt = _output.SamplePrompt.Of(parsed)!,
        SampleTokens = _output.SampleTokens.Of(parsed),
    };

    /// <summary>Options that are fixed by a run's past are refused; variables that set them are meant for new runs and are passed over.</summary>
    private ResumeRequest ReadResume(ParseResult parsed, string run)
    {
        ISetting[] changeable =
        [
            _training.Steps, _swarm.Stages, _swarm.Miners, _swarm.Chunks, _swarm.Silos, _swarm.RemoteMiners, _swarm.AdvertisedAddress, _swarm.SiloPort,
            _swarm.Mode, _swarm.Schedule, _swarm.Wire, _swarm.Transport,
            _rhythm.EvaluationInterval, _rhythm.EvaluationSequences, _rhythm.CheckpointInterval, _rhythm.KeepCheckpoints, _run.Store, _run.Archive, _run.Runs, _run.Resume,
        ];
        var ours = _web.All.Concat(_output.All).Concat(changeable.Cast<Option>()).ToHashSet();
        var wrong = Options.FirstOrDefault(option => !ours.Contains(option) && parsed.GetResult(option) is { Implicit: false });
        if (wrong is not null)
        {
            throw new IotaException(
                ExitCode.Usage,
                $"{wrong.Name} cannot change when a run is resumed; {string.Join(", ", changeable.Cast<Option>().SkipLast(2).Select(option => option.Name))} can");
        }

        RequireOnePlace(parsed);
        return new ResumeRequest
        {
            Run = run,
            Steps = _training.Steps.Of(parsed),
            Stages = _swarm.Stages.Of(parsed),
            Miners = _swarm.Miners.Of(parsed),
            RemoteMiners = _swarm.RemoteMiners.Of(parsed),
            Chunks = _swarm.Chunks.Of(parsed),
            Silos = _swarm.Silos.GivenIn(parsed),
            Mode = _swarm.Mode.GivenIn(parsed),
            Schedule = _swarm.Schedule.GivenIn(parsed),
            Wire = _swarm.Wire.GivenIn(parsed),
            EvaluationInterval = _rhythm.EvaluationInterval.GivenIn(parsed),
            EvaluationSequences = _rhythm.EvaluationSequences.GivenIn(parsed),
            CheckpointInterval = _rhythm.CheckpointInterval.GivenIn(parsed),
            CheckpointsKept = _rhythm.KeepCheckpoints.GivenIn(parsed),
        };
    }

    private OuterSettings Outer(ParseResult parsed)
    {
        var usual = new OuterSettings();
        var momentum = _swarm.OuterMomentum.Of(parsed);
        return usual with { LearningRate = _swarm.OuterLearningRate.Of(parsed), Momentum = momentum, FirstMomentum = Math.Min(usual.FirstMomentum, momentum) };
    }

    private TrainRequest ReadRequest(ParseResult parsed) => new()
    {
        Data = _data.Read(parsed),
        Preset = _model.Preset.Of(parsed),
        ConfigurationFile = _model.Config.Of(parsed),
        InitialModel = _model.Model.Of(parsed),
        ContextLength = _model.Context.Of(parsed),
        Bottleneck = _model.Bottleneck.Of(parsed),
        Stages = _swarm.Stages.Of(parsed),
        Miners = _swarm.Miners.Of(parsed),
        RemoteMiners = _swarm.RemoteMiners.Of(parsed),
        Chunks = _swarm.Chunks.Of(parsed),
        MicroBatches = _swarm.MicroBatches.Of(parsed),
        Mode = _swarm.Mode.Of(parsed),
        Swarm = new SwarmSettings
        {
            InnerSteps = _swarm.InnerSteps.Of(parsed),
            UpdateFormat = _swarm.Update.Of(parsed),
            Merge = new MergeSettings { Owners = _swarm.Owners.Of(parsed), Rule = _swarm.MergeRule.Of(parsed) },
            Outer = Outer(parsed),
            Rebalances = !_swarm.NoRebalance.Of(parsed),
        },
        Schedule = _swarm.Schedule.Of(parsed),
        Wire = _swarm.Wire.Of(parsed),
        Recompute = _swarm.Recompute.Of(parsed),
        Balance = _swarm.Balance.Of(parsed),
        Steps = _training.Steps.Of(parsed),
        BatchSize = _training.BatchSize.Of(parsed),
        LearningRate = _training.LearningRate.Of(parsed),
        MinimumLearningRate = _training.MinimumLearningRate.Of(parsed),
        WarmupSteps = _training.WarmupSteps.Of(parsed),
        WeightDecay = _training.WeightDecay.Of(parsed),
        Beta1 = _training.Beta1.Of(parsed),
        Beta2 = _training.Beta2.Of(parsed),
        GradientClip = _training.GradientClip.Of(parsed),
        Seed = _training.Seed.Of(parsed),
        EvaluationInterval = _rhythm.EvaluationInterval.Of(parsed),
        EvaluationSequences = _rhythm.EvaluationSequences.Of(parsed),
        CheckpointInterval = _rhythm.CheckpointInterval.Of(parsed),
        CheckpointsKept = _rhythm.KeepCheckpoints.Of(parsed),
        EpochSteps = _rhythm.EpochSteps.Of(parsed),
        Rewards = _rhythm.Rewards(parsed),
        Validation = new ValidationSettings { Rate = _trust.ValidationRate.Of(parsed), QuarantineEpochs = _trust.QuarantineEpochs.Of(parsed), KeepsChecks = _trust.KeepChecks.Of(parsed) },
        Adversaries = _trust.Adversaries.Of(parsed) ?? [],
    };
}
