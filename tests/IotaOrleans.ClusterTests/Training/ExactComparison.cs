namespace IotaOrleans.ClusterTests.Training;

/// <summary>Compares a run in exact mode with what one process computes on the same batches.</summary>
internal static class ExactComparison
{
    /// <summary>Trains 50 steps both ways.</summary>
    /// <returns>The run's events.</returns>
    public static async Task<IReadOnlyList<RunEvent>> AssertEqualsPlainLoopAsync(TrainingRunSpecification run, int silos)
    {
        var expected = PlainLoop.Train(run, 50);
        await using var cluster = await TrainingCluster.StartAsync(silos, run.Shards.Select(shard => shard.Miner).Distinct().Count());

        var events = await cluster.TrainAsync(run);

        events.OfType<RunFailed>().Should().BeEmpty();
        var losses = events.OfType<StepCompleted>().Select(step => step.Loss).ToArray();
        losses[^1].Should().BeLessThan(losses[0] - 0.3, "the model must have learnt something for the comparison to mean anything");
        AssertEqual(losses, expected);
        return events;
    }

    /// <summary>Checks losses step by step.</summary>
    public static void AssertEqual(IReadOnlyList<double> losses, IReadOnlyList<double> expected)
    {
        losses.Should().HaveCount(expected.Count);
        for (var step = 0; step < expected.Count; step++)
        {
            losses[step].Should().BeApproximately(expected[step], 1e-5, $"step {step + 1} must equal the plain loop");
        }
    }
}
