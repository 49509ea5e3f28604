using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Runs;
using IotaOrleans.Host.Status;
using IotaOrleans.Protocol.Runs;
using IotaOrleans.Protocol.Stages;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Lanes;
using IotaOrleans.Training.Stages;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Host.CommandLine.Training;

/// <summary>Makes a run's folder and data, or opens those of a run with a past.</summary>
internal sealed class RunPreparation(string runs, IRunReporter reporter)
{
    // The vocabulary of bytes: enough to find out whether a request makes sense before any data is read.
    private const int ProvisionalVocabulary = 256;

    /// <summary>The folder of a run that was begun, or null. What a process left that died before that is removed.</summary>
    public static RunFolder? FindBegun(string runs, string run)
    {
        var folder = RunFolder.List(runs).FirstOrDefault(known => known.Name == run);
        if (folder is null || File.Exists(folder.RunFile))
        {
            return folder;
        }

        using (folder.Lock())
        {
            Discard(folder);
        }

        return null;
    }

    /// <summary>Prepares a new run. When that fails, no folder is left behind.</summary>
    public PreparedRun Create(TrainRequest request, string? name, int silos, CancellationToken cancellationToken)
    {
        var run = name ?? RunNames.Fresh(Random.Shared, taken => Path.Exists(Path.Combine(runs, taken)));
        var shape = SpecificationBuilder.Model(request, ProvisionalVocabulary);
        SpecificationBuilder.Build(request, shape, new RunPlaces(run, "", ""));
        var folder = RunFolder.Create(runs, run);
        RunLock? reserved = null;
        try
        {
            reserved = folder.Lock();
            var data = Data(request);
            var vocabulary = PrepareData(data, folder, SpecificationBuilder.ContextLength(request, shape), cancellationToken);
            var model = SpecificationBuilder.Model(request, vocabulary);
            RequireVocabulary(model, vocabulary, data);
            var specification = SpecificationBuilder.Build(request, model, new RunPlaces(run, folder.Data, folder.Checkpoints),
                request.Balance == StageBalance.Measured ? sequences => Measure(model, sequences, SpecificationBuilder.ContextLength(request, model)) : null);
            new RunRecord
            {
                StartedAt = DateTimeOffset.Now,
                Version = VersionAction.ProgramVersion,
                Preset = request.Preset.Name,
                Data = data,
                Silos = silos,
                RemoteMiners = request.RemoteMiners ?? [],
                Specification = specification,
            }.Write(folder);
            return new PreparedRun(folder, reserved, specification, silos, request.RemoteMiners ?? []);
        }
        catch
        {
            reserved?.Dispose();
            Discard(folder);
            throw;
        }
    }

    /// <summary>Prepares to go on with a run.</summary>
    public PreparedRun Resume(ResumeRequest request)
    {
        var folder = RunFolder.Open(runs, request.Run);
        var reserved = folder.Lock();
        try
        {
            var record = RunRecord.Read(folder);
            RequireWork(folder, request.Steps ?? record.Specification.Steps);
            using (var data = TokenDataSet.Open(folder.Data))
            {
                Describe(record.Data, data);
            }

            var before = record.Specification;
            var schedule = request.Schedule ?? before.Schedule;
            var chunks = request.Chunks ?? (schedule == before.Schedule ? before.Chunks : SpecificationBuilder.DefaultChunks(schedule));
            var ranks = request.Stages ?? before.Ranks;
            var remote = request.RemoteMiners ?? (request.Miners is null && request.Silos is null ? record.RemoteMiners : []);
            var local = request.Miners ?? (ranks == before.Ranks ? before.Shards.Select(shard => shard.Miner).Distinct().Count() : ranks);
            var specification = before with
            {
                Steps = request.Steps ?? before.Steps,
                Stages = (ranks, chunks) == (before.Ranks, before.Chunks) ? before.Stages : SpecificationBuilder.Split(before.Model, ranks, chunks),
                Chunks = chunks,
                Miners = SpecificationBuilder.Miners(ranks, chunks, remote.Count > 0 ? remote : SpecificationBuilder.MinerNames(local)),
                EvaluationInterval = request.EvaluationInterval ?? before.EvaluationInterval,
                EvaluationSequences = request.EvaluationSequences ?? before.EvaluationSequences,
                CheckpointInterval = request.CheckpointInterval ?? before.CheckpointInterval,
                CheckpointsKept = request.CheckpointsKept ?? before.CheckpointsKept,
                Mode = request.Mode ?? before.Mode,
                Schedule = schedule,
                WireFormat = request.Wire ?? before.WireFormat,
                // The folder may have been moved since.
                DataDirectory = folder.Data,
                CheckpointDirectory = folder.Checkpoints,
            };
            RunSpecificationValidator.Validate(specification);
            var silos = request.Silos ?? record.Silos;
            (record with { Silos = silos, RemoteMiners = remote, Specification = specification }).Write(folder);
            return new PreparedRun(folder, reserved, specification, silos, remote);
        }
        catch
        {
            reserved.Dispose();
            throw;
        }
    }

    private static PartCosts Measure(ModelConfiguration model, int sequences, int contextLength)
    {
        using var lane = new ComputeLane("balance");
        return lane.RunAsync(() => PartCostMeter.Measure(model, sequences, contextLength)).GetAwaiter().GetResult();
    }

    /// <summary>Spares a run that is complete the start of a swarm; the run grain decides in the end.</summary>
    private static void RequireWork(RunFolder folder, long steps)
    {
        var status = RunStatus.Read(folder);
        if (status.Phase == RunPhase.Finished && status.Step >= steps)
        {
            throw new IotaException(
                ExitCode.RunState, $"run {folder.Name} has finished its {Figures.Count(status.Step)} steps; to train on, give --steps a larger number");
        }
    }

    private static DataSourceOptions Data(TrainRequest request)
    {
        var own = SpecificationBuilder.OwnShape(request);
        return request.Data with
        {
            // A model goes on in its own alphabet, unless another is asked for.
            Tokenizer = request.Data.Tokenizer ?? (request.InitialModel is { } folder && TokenizerLoader.TryLoad(folder) is not null ? folder : null),
            MaximumVocabularySize = own?.VocabularySize,
        };
    }

    private int PrepareData(DataSourceOptions options, RunFolder folder, int contextLength, CancellationToken cancellationToken)
    {
        reporter.Waiting($"reading {options.Data}");
        using var data = TokenDataSet.Prepare(options, folder.Data, contextLength + 1, new DirectProgress(reporter.Waiting), cancellationToken);
        Describe(options, data);
        return data.VocabularySize;
    }

    private void Describe(DataSourceOptions options, TokenDataSet data) => reporter.Fact(
        "data",
        $"{options.Data}: {Figures.Short(data.Description.TrainTokens)} tokens to learn from, {Figures.Short(data.Description.ValidationTokens)} to validate on, "
            + $"{Figures.Plural(data.VocabularySize, "symbol")} ({data.Description.Tokenizer ?? "ready-made"})");

    private static void RequireVocabulary(ModelConfiguration model, int vocabulary, DataSourceOptions data)
    {
        if (vocabulary > model.VocabularySize)
        {
            throw new IotaException(
                ExitCode.Data,
                $"{data.Data} has {vocabulary} symbols and the model knows {model.VocabularySize}: choose the model's own --tokenizer");
        }
    }

    private static void Discard(RunFolder folder)
    {
        try
        {
            Directory.Delete(folder.FullPath, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The failure that led here matters more than an empty folder.
        }
    }

    /// <summary>Passes progress on at once and in order, which <see cref="Progress{T}"/> does not.</summary>
    private sealed class DirectProgress(Action<string> report) : IProgress<string>
    {
        public void Report(string value) => report(value);
    }
}
