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

    [Fact]
    public void BottlenecksLieWhereTheStagesAreCut()
    {
        var request = new TrainRequest { Stages = 3, Bottleneck = 2 };

        var specification = SpecificationBuilder.Build(request, SpecificationBuilder.Model(request, 256), Places);

        specification.Model.Bottleneck.Should().Be(Bottleneck.Between(specification.Stages, 2));
        specification.Model.BoundaryWidth(specification.Stages[1].First).Should().Be(2);
        specification.Model.BoundaryWidth(specification.Stages[1].First + 1).Should().Be(specification.Stages[2].First == specification.Stages[1].First + 1 ? 2 : 128);
    }

    [Fact]
    public void BottlenecksFollowTheMeasuredCut()
    {
        var request = new TrainRequest { Bottleneck = 2 };
        var costs = new PartCosts(TimeSpan.Zero, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2));

        var specification = SpecificationBuilder.Build(request, SpecificationBuilder.Model(request, 256), Places, _ => costs);

        specification.Stages[0].Count.Should().Be(3);
        specification.Model.Bottleneck!.Boundaries.Should().Equal(3);
    }

    [Fact]
    public void AModelWithBottlenecksIsCutWhereTheyAre()
    {
        var model = SpecificationBuilder.Model(new TrainRequest(), 256) with { Bottleneck = new Bottleneck(4, [1, 2]) };

        SpecificationBuilder.Build(new TrainRequest(), model, Places, _ => throw new InvalidOperationException("nothing to choose")).Stages
            .Should().Equal(new BlockRange(0, 1), new BlockRange(1, 1), new BlockRange(2, 2));
        FluentActions.Invoking(() => SpecificationBuilder.Build(new TrainRequest { Stages = 2 }, model, Places))
            .Should().Throw<IotaException>().WithMessage("the model has bottlenecks before the blocks 1, 2 and can only be cut there: --stages must be 3");
        FluentActions.Invoking(() => SpecificationBuilder.Build(new TrainRequest { Bottleneck = 8 }, model, Places))
            .Should().Throw<IotaException>().WithMessage("--bottleneck is 8, but the model given has bottlenecks of 4*");
    }
}
