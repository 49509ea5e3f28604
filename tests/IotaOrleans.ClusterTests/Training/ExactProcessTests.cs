using System.Globalization;
using IotaOrleans.ClusterTests.CommandLine;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>Exact mode with real silos: processes of their own, sockets between them.</summary>
[Collection(ProgramGroup.Name)]
public sealed class ExactProcessTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 2, 2)]
    [InlineData(3, 3, 3)]
    [InlineData(4, 4, 2)]
    [InlineData(2, 5, 3)]
    public async Task Losses_of_separate_silo_processes_equal_a_plain_loop(int stages, int miners, int silos)
    {
        using var run = new TestRun(stages);
        var specification = run.Specification;
        LlamaConfigurationFile.Write(Path.Combine(run.Folder, "config.json"), specification.Model);
        var expected = PlainLoop.Train(specification with { Optimizer = specification.Optimizer with { Beta2 = 0.95 } }, 50);

        var result = await IotaProcess.RunAsync(
            run.Folder,
            "train",
            "--json",
            "--no-http",
            "--data", specification.DataDirectory,
            "--config", "config.json",
            "--stages", Text(stages),
            "--miners", Text(miners),
            "--silos", Text(silos),
            "--batch-size", Text(specification.BatchSize),
            "--micro-batches", Text(specification.MicroBatches),
            "--steps", "50",
            "--seed", specification.Seed.ToString(CultureInfo.InvariantCulture),
            "--learning-rate", "0.001",
            "--min-learning-rate", "0.0001",
            "--warmup-steps", "5",
            "--weight-decay", "0.1",
            "--beta1", "0.9",
            "--beta2", "0.95",
            "--gradient-clip", "1",
            "--evaluation-sequences", "10",
            "--log-interval", "1");

        result.ExitCode.Should().Be(0, result.ToString());
        var losses = result.Events().Where(line => line.GetProperty("event").GetString() == "step").Select(line => line.GetProperty("loss").GetDouble()).ToArray();
        losses.Should().HaveCount(50);
        for (var step = 0; step < 50; step++)
        {
            losses[step].Should().BeApproximately(expected[step], 1e-5, $"step {step + 1} must equal the plain loop");
        }
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
