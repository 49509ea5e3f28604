// Trains a small model in two stages through the grains, inside a program of your own:
//   dotnet run -c Release --project samples/EmbeddedSilo -- book.txt
using IotaOrleans;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Protocol.Stages;
using IotaOrleans.Training.Data;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;

if (args.Length != 1)
{
    await Console.Error.WriteLineAsync("usage: EmbeddedSilo TEXT-FILE");
    return 2;
}

var folder = Directory.CreateTempSubdirectory("embedded-silo-").FullName;
using var data = TokenDataSet.Prepare(new DataSourceOptions { Data = args[0], Tokenizer = "bytes" }, Path.Combine(folder, "data"), minimumTokens: 65);
var model = new ModelConfiguration
{
    VocabularySize = data.VocabularySize,
    HiddenSize = 64,
    IntermediateSize = 176,
    BlockCount = 4,
    HeadCount = 4,
    KeyValueHeadCount = 2,
    ContextLength = 64,
};

var builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.UseOrleans(silo => silo
    .UseLocalhostClustering()
    .AddMemoryGrainStorage(StorageNames.Control)
    .AddIotaOrleans(new IotaSiloOptions { Miners = ["ada", "grace"] }));
using var host = builder.Build();
await host.StartAsync();

var grains = host.Services.GetRequiredService<IGrainFactory>();
await grains.GetGrain<ITrainingRunGrain>("sample").StartAsync(new TrainingRunSpecification
{
    Run = "sample",
    Seed = 1,
    Model = model,
    Stages = StageSplitter.Split(model, 2),
    Miners = [["ada"], ["grace"]],
    BatchSize = 8,
    MicroBatches = 4,
    ContextLength = 64,
    Steps = 200,
    EpochSteps = 100,
    DataDirectory = Path.Combine(folder, "data"),
    CheckpointDirectory = Path.Combine(folder, "checkpoints"),
});

var view = grains.GetGrain<IRunViewGrain>("sample");
for (RunEvent? last = null; last is not (RunFinished or RunFailed);)
{
    foreach (var happened in await view.GetEventsAsync(last?.Number ?? 0, TimeSpan.FromSeconds(10)))
    {
        last = happened;
        if (happened is not StepCompleted { Step: var step } || step % 20 == 0)
        {
            Console.WriteLine(happened);
        }
    }
}

await host.StopAsync();
return 0;
