using IotaOrleans.Protocol.Merging;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Protocol.Runs;

/// <summary>Finds what is wrong with a specification before anything starts.</summary>
public static class RunSpecificationValidator
{
    /// <summary>Checks a specification.</summary>
    /// <exception cref="IotaException">One line that names the setting and the fix.</exception>
    public static void Validate(TrainingRunSpecification specification)
    {
        var model = specification.Model;
        Require(specification.Run.Length is > 0 and <= 64 && specification.Run.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.'),
            $"'{specification.Run}' cannot name a run: use up to 64 letters, digits, '-', '_' and '.'");
        Require(model.HiddenSize % model.HeadCount == 0, $"a width of {model.HiddenSize} does not divide into {model.HeadCount} heads");
        Require(model.HeadSize % 2 == 0, $"heads are {model.HeadSize} wide, and rotary embeddings need an even width");
        Require(model.HeadCount % model.KeyValueHeadCount == 0, $"{model.HeadCount} query heads cannot share {model.KeyValueHeadCount} key-value heads evenly");
        Require(specification.BatchSize > 0, $"--batch-size is {specification.BatchSize}: it must be at least 1");
        Require(specification.MicroBatches > 0 && specification.BatchSize % specification.MicroBatches == 0,
            $"{specification.BatchSize} sequences do not divide into {specification.MicroBatches} micro-batches: change --batch-size or --micro-batches");
        Require(specification.ContextLength > 0 && specification.ContextLength <= model.ContextLength,
            $"--context is {specification.ContextLength}, but the model was built for up to {model.ContextLength} tokens");
        Require(specification.Steps > 0, $"--steps is {specification.Steps}: it must be at least 1");
        Require(specification.EvaluationInterval > 0, $"--evaluation-interval is {specification.EvaluationInterval}: it must be at least 1");
        Require(specification.EvaluationSequences > 0, $"--evaluation-sequences is {specification.EvaluationSequences}: it must be at least 1");
        Require(specification.CheckpointsKept > 0, $"--keep-checkpoints is {specification.CheckpointsKept}: it must be at least 1");
        Require(specification.CheckpointInterval > 0, $"--checkpoint-interval is {specification.CheckpointInterval}: it must be at least 1");
        Require(specification.EpochSteps > 0, $"--epoch-steps is {specification.EpochSteps}: it must be at least 1");
        Require(specification.Rewards.Emission >= 0, $"--emission is {specification.Rewards.Emission}: it cannot be negative");
        Require(specification.Rewards.Burn is >= 0 and <= RewardPolicy.Whole, $"--burn is {specification.Rewards.Burn} millionths: it must be from 0 to 1");
        Require(specification.Rewards.LargestShare is > 0 and <= RewardPolicy.Whole, $"--largest-share is {specification.Rewards.LargestShare} millionths: it must be above 0 and at most 1");
        Require(specification.Rewards.Window > 0, $"--reward-window is {specification.Rewards.Window}: it must be at least 1 epoch");
        Require(specification.Stages.Length > 0 && specification.Miners.Length == specification.Stages.Length && specification.Miners.All(miners => miners.Length > 0),
            $"each of the {specification.Stages.Length} stages needs a miner");
        Require(specification.Miners.All(miners => miners.Distinct().Count() == miners.Length), "a miner can hold a stage only once");
        RequireSchedule(specification);

        var next = 0;
        foreach (var range in specification.Stages)
        {
            Require(range.First == next && range.Count > 0, "stages must hold consecutive blocks, at least one each");
            next = range.End;
        }

        Require(next == model.BlockCount, $"the stages hold {next} of {model.BlockCount} blocks");
        RequireBottleneck(specification);
        RequireOptimizer(specification.Optimizer);
        OuterSettingsValidator.Validate(specification.Swarm.Outer);
        Require(specification.Swarm.InnerSteps > 0, $"--inner-steps is {specification.Swarm.InnerSteps}: it must be at least 1");
        MergeSettingsValidator.Validate(specification.Swarm.Merge);
    }

    private static void RequireBottleneck(TrainingRunSpecification specification)
    {
        if (specification.Model.Bottleneck is not { } bottleneck)
        {
            return;
        }

        Require(specification.Stages.Length > 1, "--bottleneck needs a boundary between stages: use at least 2 --stages");
        Require(bottleneck.Width > 0 && bottleneck.Width < specification.Model.HiddenSize,
            $"--bottleneck is {bottleneck.Width}: it must be at least 1 and less than the model's width of {specification.Model.HiddenSize}");
        Require(bottleneck == Bottleneck.Between(specification.Stages, bottleneck.Width),
            $"the model has bottlenecks before the blocks {string.Join(", ", bottleneck.Boundaries)} and can only be cut there: --stages must be {bottleneck.Boundaries.Length + 1}");
    }

    private static void RequireSchedule(TrainingRunSpecification specification)
    {
        Require(specification.Chunks > 0 && specification.Stages.Length % specification.Chunks == 0,
            $"{specification.Stages.Length} stages do not divide into {specification.Chunks} chunks per miner");
        Require(Enumerable.Range(0, specification.Stages.Length).All(stage => specification.Miners[stage].SequenceEqual(specification.Miners[stage % specification.Ranks])),
            "a miner's chunks must be as many stages apart as there are miners");
        var objection = PipelineSchedule.Objection(specification.Schedule, specification.Ranks, specification.MicroBatches, specification.Chunks)
            ?? (specification.Mode == TrainingMode.Exact ? ReplicaSchedule.Objection(specification.Schedule, [.. specification.Miners.Take(specification.Ranks).Select(miners => miners.Length)], specification.MicroBatches) : null);
        Require(objection is null, $"--schedule: {objection}");
        Require(specification.Chunks == 1 || specification.Mode == TrainingMode.Exact, "--schedule interleaved needs --mode exact");
        Require(specification.Mode == TrainingMode.Exact || !specification.Model.TiedEmbeddings || specification.Stages.Length == 1,
            "a model with tied embeddings needs --mode exact: its first and last stage hold the same weights");
    }

    private static void RequireOptimizer(OptimizerSettings optimizer)
    {
        Require(optimizer.LearningRate > 0 && double.IsFinite(optimizer.LearningRate), $"--learning-rate is {optimizer.LearningRate}: it must be positive");
        Require(optimizer.MinimumLearningRate >= 0 && optimizer.MinimumLearningRate <= optimizer.LearningRate,
            $"--min-learning-rate is {optimizer.MinimumLearningRate}: it must lie between 0 and --learning-rate");
        Require(optimizer.WarmupSteps >= 0, $"--warmup-steps is {optimizer.WarmupSteps}: it cannot be negative");
        Require(optimizer.Beta1 is >= 0 and < 1, $"--beta1 is {optimizer.Beta1}: it must lie in [0, 1)");
        Require(optimizer.Beta2 is >= 0 and < 1, $"--beta2 is {optimizer.Beta2}: it must lie in [0, 1)");
        Require(optimizer.Epsilon > 0, $"epsilon is {optimizer.Epsilon}: it must be positive");
        Require(optimizer.WeightDecay >= 0, $"--weight-decay is {optimizer.WeightDecay}: it cannot be negative");
        Require(optimizer.GradientClip >= 0, $"--gradient-clip is {optimizer.GradientClip}: it cannot be negative (0 turns clipping off)");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new IotaException(ExitCode.Usage, message);
        }
    }
}
