using System.Collections.Immutable;
using IotaOrleans.Host.Progress;
using IotaOrleans.Protocol.Runs;
using IotaOrleans.Protocol.Stages;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Host.CommandLine.Training;

/// <summary>Fills a request's gaps and cuts the model: what is wrong with a request comes to light here, before anything is made or started.</summary>
internal static class SpecificationBuilder
{
    private const int DefaultStages = 2;
    private const int WarmupShare = 10;

    /// <summary>The shape that the request names; the vocabulary of a preset comes from the tokenizer.</summary>
    /// <param name="request">The request.</param>
    /// <param name="vocabularySize">The tokenizer's ids, for a shape that has no vocabulary of its own.</param>
    public static ModelConfiguration Model(TrainRequest request, int vocabularySize)
    {
        if (request is { ConfigurationFile: not null, InitialModel: not null })
        {
            throw new IotaException(ExitCode.Usage, "--config and --model both give the model's shape: choose one");
        }

        if (OwnShape(request) is { } shape)
        {
            return shape;
        }

        var model = request.Preset.ToConfiguration(vocabularySize);
        return request.ContextLength is { } context ? model with { ContextLength = context } : model;
    }

    /// <summary>The shape with its vocabulary when a file gives it, or null when a preset does.</summary>
    public static ModelConfiguration? OwnShape(TrainRequest request) =>
        request.ConfigurationFile is { } file ? LlamaConfigurationFile.Read(file)
        : request.InitialModel is { } folder ? LlamaConfigurationFile.Read(Path.Combine(folder, LlamaConfigurationFile.Name))
        : null;

    /// <summary>Tokens per sequence: as asked, else the preset's as far as the model can.</summary>
    public static int ContextLength(TrainRequest request, ModelConfiguration model) =>
        request.ContextLength ?? Math.Min(request.Preset.ContextLength, model.ContextLength);

    /// <summary>Finds what is wrong with a request, and cuts the model by its multiplications.</summary>
    /// <param name="request">The request.</param>
    /// <param name="model">The model's shape.</param>
    /// <param name="places">The run's folders.</param>
    /// <param name="measure">Measures the model's parts with micro-batches of so many sequences, when the cut depends on it; null to go without.</param>
    /// <exception cref="IotaException">The request contradicts itself or the model.</exception>
    public static TrainingRunSpecification Build(TrainRequest request, ModelConfiguration model, RunPlaces places, Func<int, PartCosts>? measure = null)
    {
        var preset = request.Preset;
        var chunks = request.Chunks ?? DefaultChunks(request.Schedule);
        // A model that has bottlenecks already is cut where they are.
        var cut = model.Bottleneck?.Stages(model.BlockCount);
        var ranks = request.Stages ?? Math.Clamp((cut?.Length ?? model.BlockCount) / chunks, 1, cut?.Length ?? DefaultStages);
        var stages = cut?.Length == ranks * chunks ? cut.Value : Split(model, ranks, chunks);
        RequireFittingBottleneck(request, model);
        var batch = request.BatchSize ?? preset.BatchSize;
        var steps = request.Steps ?? preset.Steps;
        var specification = new TrainingRunSpecification
        {
            Run = places.Run,
            Seed = request.Seed,
            Model = Narrowed(request, model, stages),
            Stages = stages,
            Chunks = chunks,
            Miners = Miners(ranks, chunks, request.RemoteMiners ?? MinerNames(request.Miners ?? ranks)),
            BatchSize = batch,
            MicroBatches = request.MicroBatches ?? MicroBatchPlanner.Choose(model, request.Schedule, ranks, batch, ContextLength(request, model), Shares(request, ranks)),
            ContextLength = ContextLength(request, model),
            Steps = steps,
            Optimizer = Optimizer(request, steps),
            EvaluationInterval = request.EvaluationInterval,
            EvaluationSequences = request.EvaluationSequences,
            CheckpointInterval = request.CheckpointInterval,
            CheckpointsKept = request.CheckpointsKept,
            EpochSteps = request.EpochSteps,
            Rewards = request.Rewards,
            Validation = request.Validation,
            Mode = request.Mode,
            Swarm = request.Swarm,
            Schedule = request.Schedule,
            WireFormat = request.Wire,
            Recompute = request.Recompute,
            DataDirectory = places.DataDirectory,
            CheckpointDirectory = places.CheckpointDirectory,
            InitialModel = request.InitialModel is { } folder ? Path.GetFullPath(folder) : null,
        };
        specification = specification with { Adversaries = AdversaryAssigner.Assign(specification, request.Adversaries) };
        RunSpecificationValidator.Validate(specification);
        RequireSmallFrames(specification);
        // With one block per stage, one stage or a cut of its own there is nothing to choose.
        if (measure is null || stages.Length == 1 || stages.Length == model.BlockCount || cut is not null)
        {
            return specification;
        }

        var measured = StageSplitter.Split(model, stages.Length, measure(specification.MicroBatchSize));
        return specification with { Model = Narrowed(request, model, measured), Stages = measured };
    }

    /// <summary>The model with the bottlenecks that the request adds to it.</summary>
    private static ModelConfiguration Narrowed(TrainRequest request, ModelConfiguration model, ImmutableArray<BlockRange> stages) =>
        model.Bottleneck is null && request.Bottleneck is { } width ? model with { Bottleneck = Bottleneck.Between(stages, width) } : model;

    private static void RequireFittingBottleneck(TrainRequest request, ModelConfiguration model)
    {
        if (request.Bottleneck is { } width && (model.Bottleneck is not null || request.InitialModel is not null) && model.Bottleneck?.Width != width)
        {
            throw new IotaException(
                ExitCode.Usage,
                $"--bottleneck is {width}, but the model given {(model.Bottleneck is { } own ? $"has bottlenecks of {own.Width}" : "was trained without any")}: leave the option out");
        }
    }

    /// <summary>
    /// By how much a step's micro-batches should divide: by the replicas, and in elastic mode by twice as many. There a replica that stepped
    /// after every single micro-batch would compute each gradient on weights that are several steps old.
    /// </summary>
    private static int Shares(TrainRequest request, int ranks)
    {
        var replicas = ((request.RemoteMiners?.Count ?? request.Miners ?? ranks) + ranks - 1) / ranks;
        return request.Mode == TrainingMode.Elastic ? 2 * replicas : replicas;
    }

    /// <summary>What passes between stages must fit into one frame.</summary>
    private static void RequireSmallFrames(TrainingRunSpecification specification)
    {
        var widest = specification.Stages.Skip(1).Select(stage => specification.Model.BoundaryWidth(stage.First)).DefaultIfEmpty().Max();
        var bytes = (long)specification.MicroBatchSize * specification.ContextLength * widest * sizeof(float);
        if (specification.Stages.Length > 1 && bytes > FramePool.Shared.MaximumByteCount)
        {
            throw new IotaException(
                ExitCode.Usage,
                $"a micro-batch is {Figures.Bytes(bytes)} between stages and {Figures.Bytes(FramePool.Shared.MaximumByteCount)} is the most: use more --micro-batches or a shorter --context");
        }
    }

    /// <summary>Pieces of the model per miner unless others are asked for.</summary>
    public static int DefaultChunks(ScheduleKind schedule) => schedule == ScheduleKind.Interleaved ? 2 : 1;

    /// <exception cref="IotaException">The model has fewer blocks than pieces are asked for.</exception>
    public static ImmutableArray<BlockRange> Split(ModelConfiguration model, int ranks, int chunks) => chunks == 1 || ranks * chunks <= model.BlockCount
        ? StageSplitter.Split(model, ranks * chunks)
        : throw new IotaException(
            ExitCode.Usage, $"{ranks} stages of {chunks} chunks need {ranks * chunks} blocks, and the model has {model.BlockCount}: use fewer --stages or --chunks");

    /// <summary>What miners are called that nobody named.</summary>
    public static IReadOnlyList<string> MinerNames(int count) => [.. Enumerable.Range(1, count).Select(number => $"miner-{number}")];

    /// <summary>The miners of each piece: they are dealt to the ranks in turn, and hold all chunks of their rank.</summary>
    /// <exception cref="IotaException">There are fewer miners than ranks.</exception>
    public static ImmutableArray<ImmutableArray<string>> Miners(int ranks, int chunks, IReadOnlyList<string> miners) => miners.Count >= ranks
        ? [.. Enumerable.Range(0, ranks * chunks).Select(piece => miners.Where((_, index) => index % ranks == piece % ranks).ToImmutableArray())]
        : throw new IotaException(ExitCode.Usage, $"{ranks} stages need at least as many miners, not {miners.Count}");

    private static OptimizerSettings Optimizer(TrainRequest request, long steps)
    {
        var preset = request.Preset.Optimizer;
        var peak = request.LearningRate ?? preset.LearningRate;
        return preset with
        {
            LearningRate = peak,
            MinimumLearningRate = request.MinimumLearningRate ?? peak / 10,
            WarmupSteps = request.WarmupSteps ?? (int)Math.Min(preset.WarmupSteps, steps / WarmupShare),
            WeightDecay = request.WeightDecay ?? preset.WeightDecay,
            Beta1 = request.Beta1 ?? preset.Beta1,
            Beta2 = request.Beta2 ?? preset.Beta2,
            GradientClip = request.GradientClip ?? preset.GradientClip,
        };
    }
}
