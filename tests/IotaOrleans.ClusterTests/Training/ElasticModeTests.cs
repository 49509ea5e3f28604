using IotaOrleans.Tensors;

namespace IotaOrleans.ClusterTests.Training;

[Collection(TrainingCluster.Alone)]
public sealed class ElasticModeTests
{
    [Theory]
    [InlineData(2, 0)]
    [InlineData(3, 3)]
    public async Task Every_step_is_done_and_the_model_learns_as_in_exact_mode(int stages, int silos)
    {
        using var run = new TestRun(stages);
        var elastic = run.Specification with { Mode = TrainingMode.Elastic };
        var exact = PlainLoop.Train(elastic, 50);
        await using var cluster = await TrainingCluster.StartAsync(silos, stages);

        var events = await cluster.TrainAsync(elastic);

        var losses = events.OfType<StepCompleted>().Select(step => step.Loss).ToArray();
        losses.Should().HaveCount(50);
        losses[^1].Should().BeApproximately(exact[^1], 0.15, "weights that are one micro-batch old must not hold the model up");
        events.OfType<RunFinished>().Single().Rewards.Select(reward => reward.BackwardPasses).Should().OnlyContain(count => count == 50 * elastic.MicroBatches);
    }

    [Fact]
    public async Task All_frames_are_given_back_when_a_run_ends()
    {
        using var run = new TestRun(stages: 3, steps: 10);
        var before = FramePool.Shared.Leased;
        await using (var cluster = await TrainingCluster.StartAsync(0, 3))
        {
            await cluster.TrainAsync(run.Specification with { Mode = TrainingMode.Elastic });
        }

        FramePool.Shared.Leased.Should().Be(before);
    }
}
