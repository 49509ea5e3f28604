using IotaOrleans.Training.Models;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Tests.Models;

[Collection(TorchAlone.Name)]
public sealed class PartCostMeterTests
{
    [Fact]
    public void What_slows_a_whole_round_makes_no_part_look_costlier()
    {
        (TimeSpan, TimeSpan, TimeSpan)[] quiet = [Round(1), Round(1), Round(1), Round(1), Round(1)];
        (TimeSpan, TimeSpan, TimeSpan)[] disturbed = [Round(1), Round(3), Round(1), Round(2), Round(1)];

        PartCostMeter.Costs(disturbed).Should().Be(PartCostMeter.Costs(quiet)).And.Be(new PartCosts(Milliseconds(1), Milliseconds(10), Milliseconds(4)));

        static (TimeSpan, TimeSpan, TimeSpan) Round(int slowness) => (Milliseconds(11 * slowness), Milliseconds(10 * slowness), Milliseconds(14 * slowness));
    }

    [Fact]
    public void A_part_costs_no_less_than_nothing() =>
        PartCostMeter.Costs([(Milliseconds(9), Milliseconds(10), Milliseconds(11))]).Embedding.Should().Be(TimeSpan.Zero);

    [Fact]
    public void A_block_takes_time()
    {
        var model = ModelPresets.Nano.ToConfiguration(vocabularySize: 65);

        PartCostMeter.Measure(model, sequences: 2, contextLength: 16).Block.Should().BePositive();
    }

    private static TimeSpan Milliseconds(int count) => TimeSpan.FromMilliseconds(count);
}
