using System.CommandLine;
using IotaOrleans.Host.CommandLine.Settings;

namespace IotaOrleans.Host.CommandLine.Training;

/// <summary><c>iota train</c>: one command from text to a trained model, with the swarm on this machine.</summary>
internal sealed class TrainCommand : IotaCommand
{
    private readonly DataSettings _data = new();
    private readonly ModelSettings _model = new();
    private readonly SwarmSettings _swarm = new();
    private readonly TrainingSettings _training = new();
    private readonly RhythmSettings _rhythm = new();
    private readonly RunSettings _run = new();
    private readonly WebSettings _web = new();
    private readonly OutputSettings _output = new();

    public TrainCommand()
        : base("train", "Trains a model on a swarm of miners, on this machine or over many.")
    {
        Use(_data, _model, _swarm, _training, _rhythm, _run, _web, _output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
    [
        ("iota train", "Train a small model in two stages and watch it learn"),
        ("iota train --data book.txt --tokenizer characters", "Learn from a text of yours, letter by letter"),
        ("iota train --preset tiny --stages 3 --silos 3", "A larger model over three processes"),
        ("iota train --resume brisk-otter --steps 4000", "Go on with a run, for longer"),
        ("iota train --json --quiet | tail -1", "Only the result, for a script"),
    ];

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var request = ReadRequest(parsed);
        var model = SpecificationBuilder.Model(request, vocabularySize: 256);
        SpecificationBuilder.Build(request, model, new RunPlaces(_run.Run.Of(parsed) ?? "run", "", ""));
        throw new IotaException(ExitCode.Failed, "training is not available in this build");
    }

    private TrainRequest ReadRequest(ParseResult parsed) => new()
    {
        Data = _data.Read(parsed),
        Preset = _model.Preset.Of(parsed),
        ConfigurationFile = _model.Config.Of(parsed),
        InitialModel = _model.Model.Of(parsed),
        ContextLength = _model.Context.Of(parsed),
        Stages = _swarm.Stages.Of(parsed),
        MicroBatches = _swarm.MicroBatches.Of(parsed),
        Mode = _swarm.Mode.Of(parsed),
        Schedule = _swarm.Schedule.Of(parsed),
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
        EpochSteps = _rhythm.EpochSteps.Of(parsed),
        Emission = _rhythm.Emission.Of(parsed),
    };
}
