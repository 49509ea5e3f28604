using CsCheck;
using IotaOrleans.Protocol.Stages;

namespace IotaOrleans.Tests.Protocol;

public sealed class StageSplitterTests
{
    [Fact]
    public void Stages_are_consecutive_and_no_other_cut_is_faster() =>
        Gen.Select(Gen.Double[0.1, 10].Array[1, 8], Gen.Double[0, 20], Gen.Double[0, 20]).SelectMany(costs => Gen.Int[1, costs.Item1.Length].Select(stages => (costs, stages)))
            .ForAll(sample =>
            {
                var ((blocks, embedding, head), stages) = sample;
                var split = StageSplitter.Split(blocks, embedding, head, stages);

                split.Should().HaveCount(stages).And.OnlyContain(range => range.Count >= 1);
                split[0].First.Should().Be(0);
                split[^1].End.Should().Be(blocks.Length);
                split.Zip(split.Skip(1)).All(pair => pair.First.End == pair.Second.First).Should().BeTrue();
                Slowest(split.Select(range => range.Count)).Should().BeApproximately(Cuts(blocks.Length, stages).Min(Slowest), 1e-9);

                double Slowest(IEnumerable<int> counts)
                {
                    int first = 0, stage = 0;
                    var slowest = 0.0;
                    foreach (var count in counts)
                    {
                        var cost = blocks.Skip(first).Take(count).Sum() + (stage == 0 ? embedding : 0) + (stage == stages - 1 ? head : 0);
                        slowest = Math.Max(slowest, cost);
                        first += count;
                        stage++;
                    }

                    return slowest;
                }
            });

    [Fact]
    public void A_large_vocabulary_takes_blocks_from_the_last_stage()
    {
        var model = new ModelConfiguration { VocabularySize = 32_000, HiddenSize = 256, IntermediateSize = 688, BlockCount = 12, HeadCount = 8, KeyValueHeadCount = 8, ContextLength = 128 };

        StageSplitter.Split(model, 2)[0].Count.Should().BeGreaterThan(8);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void More_stages_than_blocks_are_refused_with_the_possible_range(int stages) =>
        FluentActions.Invoking(() => StageSplitter.Split([1, 1, 1, 1], 0, 0, stages)).Should().Throw<IotaException>()
            .Where(failure => failure.ExitCode == ExitCode.Usage).WithMessage("*from 1 to 4*");

    private static IEnumerable<int[]> Cuts(int blocks, int stages) => stages == 1
        ? [[blocks]]
        : Enumerable.Range(1, blocks - stages + 1).SelectMany(first => Cuts(blocks - first, stages - 1).Select(rest => (int[])[first, .. rest]));
}
