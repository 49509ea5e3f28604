using IotaOrleans.Host.CommandLine.Training;
using IotaOrleans.Training.Models;

namespace IotaOrleans.ClusterTests.CommandLine;

public sealed class SpecificationBuilderTests
{
    private static readonly RunPlaces Places = new("run", "data", "checkpoints");

    [Fact]
    public void APresetIsComplete()
    {
        foreach (var preset in ModelPresets.All)
        {
            var request = new TrainRequest { Preset = preset };

            var specification = SpecificationBuilder.Build(request, SpecificationBuilder.Model(request, 256), Places);

            specification.Stages.Should().HaveCount(2);
            specification.Shards.Select(shard => (shard.Stage, shard.Miner)).Should().Equal((0, "miner-1"), (1, "miner-2"));
            specification.Steps.Should().Be(preset.Steps);
            specification.Optimizer.WarmupSteps.Should().BeLessThanOrEqualTo((int)(preset.Steps / 10));
        }
    }

    [Theory]
    [InlineData("nano", 344)]
    [InlineData("tiny", 688)]
    [InlineData("small", 2048)]
    public void TheFeedForwardLayerIsTwoThirdsOfFourTimesTheWidthInEights(string name, int expected) =>
        ModelPresets.All.Single(preset => preset.Name == name).IntermediateSize.Should().Be(expected);

    [Fact]
    public void AShortRunWarmsUpForATenthOfIt()
    {
        var request = new TrainRequest { Steps = 50 };

        SpecificationBuilder.Build(request, SpecificationBuilder.Model(request, 256), Places).Optimizer.WarmupSteps.Should().Be(5);
    }

    [Fact]
    public void TheLowestLearningRateFollowsThePeak()
    {
        var request = new TrainRequest { LearningRate = 5e-4 };

        SpecificationBuilder.Build(request, SpecificationBuilder.Model(request, 256), Places).Optimizer.MinimumLearningRate.Should().BeApproximately(5e-5, 1e-12);
    }

    [Fact]
    public void ALongerContextMakesANewModelLonger()
    {
        var request = new TrainRequest { ContextLength = 200 };
        var model = SpecificationBuilder.Model(request, 256);

        model.ContextLength.Should().Be(200);
        SpecificationBuilder.Build(request, model, Places).ContextLength.Should().Be(200);
    }
}
