using System.Collections.Immutable;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Training.Data;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.TestingHost;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>A control silo and as many miner silos as a test wants; with none, the control silo hosts the miners too.</summary>
internal sealed class TrainingCluster : IAsyncDisposable
{
    /// <summary>See <see cref="TrainingGroup"/>.</summary>
    public const string Alone = "training";

    private readonly InProcessTestCluster _cluster;

    private TrainingCluster(InProcessTestCluster cluster) => _cluster = cluster;

    public IGrainFactory Grains => _cluster.Client;

    /// <summary>Starts the silos.</summary>
    /// <param name="minerSilos">Silos for miners only, each with one lane.</param>
    /// <param name="stages">Miners, dealt to the silos in turn.</param>
    /// <param name="transport">How frames go.</param>
    /// <param name="configure">Further settings of each silo.</param>
    /// <param name="processorShares">Most of the time that each miner silo computes: so that miners of one machine have the speeds of several.</param>
    public static async Task<TrainingCluster> StartAsync(int minerSilos, int stages, TensorTransportKind transport = TensorTransportKind.Socket, Action<ISiloBuilder>? configure = null, double[]? processorShares = null)
    {
        var index = -1;
        var builder = new InProcessTestClusterBuilder((short)(1 + minerSilos));
        builder.ConfigureSilo((_, silo) =>
        {
            var own = Interlocked.Increment(ref index);
            var options = minerSilos == 0 ? new IotaSiloOptions { Miners = [.. Enumerable.Range(0, stages).Select(Miner)] }
                : own == 0 ? new IotaSiloOptions { Roles = [SiloRoles.Control] }
                : new IotaSiloOptions { Roles = [SiloRoles.Miner], Miners = [.. Enumerable.Range(0, stages).Where(stage => stage % minerSilos == own - 1).Select(Miner)], Lanes = 1 };
            options.Transport = transport;
            options.ProcessorShare = own > 0 && processorShares is not null ? processorShares[own - 1] : 1;
            silo.AddIotaOrleans(options).AddMemoryGrainStorage(StorageNames.Control);
            configure?.Invoke(silo);
        });
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return new TrainingCluster(cluster);
    }

    /// <summary>The services of each silo.</summary>
    public IEnumerable<IServiceProvider> Silos => _cluster.Silos.Select(silo => silo.ServiceProvider);

    public IServiceProvider SiloOf(string miner) => Silos.Single(silo => silo.GetRequiredService<IOptions<IotaSiloOptions>>().Value.Miners.Contains(miner));

    public static string Miner(int stage) => $"miner-{stage + 1}";

    /// <summary>Starts a run and returns its events once it has ended.</summary>
    public async Task<IReadOnlyList<RunEvent>> TrainAsync(TrainingRunSpecification run)
    {
        await Grains.GetGrain<ITrainingRunGrain>(run.Run).StartAsync(run);
        return await FollowAsync(run.Run, 0);
    }

    /// <summary>Events up to the one that ends the run.</summary>
    public Task<IReadOnlyList<RunEvent>> FollowAsync(string run, long after) => FollowAsync(run, after, _ => false);

    /// <summary>Events up to one that the test waits for, or the one that ends the run.</summary>
    public async Task<IReadOnlyList<RunEvent>> FollowAsync(string run, long after, Func<RunEvent, bool> isAwaited)
    {
        var view = Grains.GetGrain<IRunViewGrain>(run);
        var events = new List<RunEvent>();
        while (!events.Exists(happened => happened is RunFinished or RunFailed or RunInterrupted || isAwaited(happened)))
        {
            var next = await view.GetEventsAsync(events.Count == 0 ? after : events[^1].Number, TimeSpan.FromSeconds(10));
            events.AddRange(next);
        }

        return events;
    }

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();
}

/// <summary>A small run on text that the test makes itself, in a folder of its own.</summary>
internal sealed class TestRun : IDisposable
{
    public TestRun(int stages = 2, int steps = 50, bool tied = false, int microBatches = 4, ScheduleKind schedule = ScheduleKind.ZeroBubble, int chunks = 1, int width = 32, int? bottleneck = null, int[]? replicas = null)
    {
        Folder = Directory.CreateTempSubdirectory("iota-test-").FullName;
        var text = Path.Combine(Folder, "text.txt");
        File.WriteAllText(text, string.Concat(Enumerable.Range(0, 4000).Select(i => $"{i} and {i * i % 97} make {i + (i * i % 97)}. ")));
        var data = Path.Combine(Folder, "data");
        using var prepared = TokenDataSet.Prepare(new DataSourceOptions { Data = text, Tokenizer = "characters" }, data, 33);
        var model = new ModelConfiguration
        {
            VocabularySize = prepared.VocabularySize,
            HiddenSize = width,
            IntermediateSize = 88,
            BlockCount = 4,
            HeadCount = 4,
            KeyValueHeadCount = 2,
            ContextLength = 32,
            TiedEmbeddings = tied,
        };
        var cut = Protocol.Stages.StageSplitter.Split(model, stages * chunks);
        Specification = new TrainingRunSpecification
        {
            Run = "test",
            Seed = 7,
            Model = bottleneck is { } channels ? model with { Bottleneck = Bottleneck.Between(cut, channels) } : model,
            Stages = cut,
            Chunks = chunks,
            Miners = replicas is null
                ? [.. Enumerable.Range(0, stages * chunks).Select(piece => ImmutableArray.Create(TrainingCluster.Miner(piece % stages)))]
                : Miners(replicas),
            BatchSize = 8,
            MicroBatches = microBatches,
            ContextLength = 32,
            Steps = steps,
            EvaluationInterval = steps,
            EvaluationSequences = 10,
            CheckpointInterval = steps,
            EpochSteps = Math.Max(1, steps / 2),
            Schedule = schedule,
            Optimizer = new OptimizerSettings { WarmupSteps = 5 },
            DataDirectory = data,
            CheckpointDirectory = Path.Combine(Folder, "checkpoints"),
        };
    }

    public string Folder { get; }

    public TrainingRunSpecification Specification { get; }

    /// <summary>The miners of each stage when they are counted from the first stage on.</summary>
    public static ImmutableArray<ImmutableArray<string>> Miners(int[] replicas) =>
        [.. replicas.Select((count, stage) => Enumerable.Range(replicas.Take(stage).Sum(), count).Select(TrainingCluster.Miner).ToImmutableArray())];

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

/// <summary>Tests that train run one after the other, and beside no others: they share the lanes and the pool of frames.</summary>
[CollectionDefinition(TrainingCluster.Alone, DisableParallelization = true)]
public sealed class TrainingGroup;
