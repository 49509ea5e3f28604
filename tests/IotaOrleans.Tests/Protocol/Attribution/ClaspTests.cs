using System.Collections.Immutable;
using IotaOrleans.Protocol.Attribution;
using MathNet.Numerics.Distributions;
using Xunit.Abstractions;

namespace IotaOrleans.Tests.Protocol.Attribution;

public sealed class ClaspTests(ITestOutputHelper output)
{
    private const int Stages = 5;
    private const int MinersPerStage = 5;

    /// <summary>Enough for the field's toy, at chance 10⁻⁴ of a false alarm: about 100 micro-batches through each miner.</summary>
    private const int Samples = 500;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void The_toy_of_the_field_is_solved_without_a_mistake(int badMiners)
    {
        for (var seed = 1; seed <= 100; seed++)
        {
            var random = new Random(seed);
            var bad = Enumerable.Range(0, badMiners).Select(stage => (Stage: stage, Miner: Name(random.Next(MinersPerStage)))).ToHashSet();
            var clasp = new Clasp();
            for (var i = 0; i < Samples; i++)
            {
                ImmutableArray<string> pathway = [.. Enumerable.Range(0, Stages).Select(_ => Name(random.Next(MinersPerStage)))];
                clasp.Add(pathway, Loss(random, pathway, bad));
            }

            var named = clasp.Look().Where(effect => effect.IsHarmful).Select(effect => (effect.Stage, effect.Miner));

            named.Should().BeEquivalentTo(bad, $"seed {seed}");
        }
    }

    [Fact]
    public void Two_bad_miners_in_a_stage_do_not_make_the_others_look_good_or_bad()
    {
        for (var seed = 1; seed <= 100; seed++)
        {
            var random = new Random(seed);
            HashSet<(int, string)> bad = [(2, Name(0)), (2, Name(3))];
            var clasp = new Clasp();
            for (var i = 0; i < Samples; i++)
            {
                ImmutableArray<string> pathway = [.. Enumerable.Range(0, Stages).Select(_ => Name(random.Next(MinersPerStage)))];
                clasp.Add(pathway, Loss(random, pathway, bad));
            }

            clasp.Look().Where(effect => effect.IsHarmful).Select(effect => (effect.Stage, effect.Miner)).Should().BeEquivalentTo(bad, $"seed {seed}");
        }
    }

    [Fact]
    public void Under_unequal_routing_the_regression_is_unbiased_and_plain_means_are_not()
    {
        const int Repetitions = 100;
        double plain = 0, fitted = 0;
        for (var seed = 1; seed <= Repetitions; seed++)
        {
            var random = new Random(seed);
            var clasp = new Clasp();
            for (var i = 0; i < 400; i++)
            {
                // The honest first miner of stage 0 has a fast line to the bad miner of stage 1, and sends it four of five micro-batches.
                var first = random.Next(MinersPerStage);
                var second = first == 0 && random.Next(5) > 0 ? 0 : random.Next(MinersPerStage);
                ImmutableArray<string> pathway = [Name(first), Name(second)];
                clasp.Add(pathway, Loss(random, pathway, [(1, Name(0))]));
            }

            var effects = clasp.Look();
            effects.Where(effect => effect.IsHarmful).Should().ContainSingle().Which.Should().Match<MinerEffect>(effect => effect.Stage == 1 && effect.Miner == Name(0));
            var others = effects.Where(effect => effect.Stage == 0 && effect.Miner != Name(0)).ToArray();
            var friend = effects.Single(effect => effect.Stage == 0 && effect.Miner == Name(0));
            plain += (friend.PlainMean - others.Average(effect => effect.PlainMean)) / Repetitions;
            fitted += (friend.Effect - others.Average(effect => effect.Effect)) / Repetitions;
        }

        output.WriteLine($"an honest miner beside a bad one: plain means {plain:0.000} nats, regression {fitted:0.000} nats; the truth is 0");
        plain.Should().BeGreaterThan(0.25, "its mean contains what the bad miner does");
        fitted.Should().BeApproximately(0, 0.01);
    }

    [Fact]
    public void Honest_miners_are_not_accused_however_often_one_looks()
    {
        var accusations = 0;
        for (var seed = 1; seed <= 50; seed++)
        {
            var random = new Random(seed);
            var clasp = new Clasp(new ClaspSettings { SmallestEffect = 0 });
            for (var i = 1; i <= 2000; i++)
            {
                ImmutableArray<string> pathway = [.. Enumerable.Range(0, Stages).Select(_ => Name(random.Next(MinersPerStage)))];
                clasp.Add(pathway, Loss(random, pathway, []));
                if (i % 50 == 0)
                {
                    accusations += clasp.Look().Count(effect => effect.IsHarmful);
                }
            }
        }

        accusations.Should().Be(0);
    }

    [Fact]
    public void Miners_that_always_work_together_cannot_be_told_apart_and_are_not_accused()
    {
        var random = new Random(1);
        var clasp = new Clasp();
        for (var i = 0; i < 1000; i++)
        {
            // Whoever is hurt, the same two were there.
            var pair = Name(random.Next(MinersPerStage));
            ImmutableArray<string> pathway = [pair, pair];
            clasp.Add(pathway, Loss(random, pathway, [(0, Name(1))]));
        }

        clasp.Look().Should().NotContain(effect => effect.IsHarmful && effect.StandardError > 1);
        clasp.Look().Where(effect => effect.Miner == Name(1)).Should().OnlyContain(effect => effect.StandardError > 1, "no data says which of the two it is");
    }

    [Fact]
    public void A_miner_that_turns_bad_is_found_when_the_past_is_forgotten()
    {
        var random = new Random(3);
        var clasp = new Clasp(new ClaspSettings { Memory = 0.998 });
        Run(2000, []);
        clasp.Look().Should().NotContain(effect => effect.IsHarmful);
        Run(1000, [(4, Name(2))]);

        clasp.Look().Where(effect => effect.IsHarmful).Should().ContainSingle().Which.Should().Match<MinerEffect>(effect => effect.Stage == 4 && effect.Miner == Name(2));

        void Run(int samples, HashSet<(int, string)> bad)
        {
            for (var i = 0; i < samples; i++)
            {
                ImmutableArray<string> pathway = [.. Enumerable.Range(0, Stages).Select(_ => Name(random.Next(MinersPerStage)))];
                clasp.Add(pathway, Loss(random, pathway, bad));
            }
        }
    }

    [Fact]
    public void Nobody_is_judged_by_a_few_micro_batches()
    {
        var random = new Random(4);
        var clasp = new Clasp();
        for (var i = 0; i < 15; i++)
        {
            ImmutableArray<string> pathway = [Name(i % 2), Name(i % 3)];
            clasp.Add(pathway, Loss(random, pathway, [(0, Name(0))]));
        }

        clasp.Look().Should().BeEmpty();
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_loss_that_is_no_number_is_refused(double loss) =>
        new Clasp().Invoking(clasp => clasp.Add(["a", "b"], loss)).Should().Throw<ArgumentOutOfRangeException>();

    private static string Name(int miner) => $"miner-{miner}";

    /// <summary>Losses of 4.5 with a deviation of 0.2; a bad miner raises both by a tenth.</summary>
    private static double Loss(Random random, ImmutableArray<string> pathway, HashSet<(int, string)> bad)
    {
        var harm = Enumerable.Range(0, pathway.Length).Count(stage => bad.Contains((stage, pathway[stage])));
        var factor = Math.Pow(1.1, harm);
        return Normal.InvCDF(4.5 * factor, 0.2 * factor, random.NextDouble());
    }
}
