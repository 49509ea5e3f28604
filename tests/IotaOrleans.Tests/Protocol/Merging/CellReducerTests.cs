using CsCheck;
using IotaOrleans.Protocol.Merging;

namespace IotaOrleans.Tests.Protocol.Merging;

public sealed class CellReducerTests
{
    private static readonly MergeSettings Mean = new();

    private static readonly MergeSettings Clip = new() { Rule = MergeRule.NormClip, ClipFactor = 2 };

    private static readonly MergeSettings Trimmed = new() { Rule = MergeRule.TrimmedMean, Trim = 1 };

    [Fact]
    public void Vectors_and_single_values_give_the_same_bits() =>
        Gen.Select(Gen.Float[-10, 10].Array[1, 70].Array[1, 6], Gen.Int[1, 3000], Gen.Double[0.1, 100].Array[6]).ForAll((patterns, length, weights) =>
        {
            var rows = patterns.Select(pattern => Enumerable.Range(0, length).Select(i => pattern[i % pattern.Length]).ToArray()).ToArray();
            var whole = Reduce(rows, weights[..rows.Length], Mean).Cell;

            for (var i = 0; i < length; i++)
            {
                whole[i].Should().Be(Reduce([.. rows.Select(row => (float[])[row[i]])], weights[..rows.Length], Mean).Cell[0]);
            }
        }, cases: 20);

    [Fact]
    public void Equal_updates_merge_to_themselves() => Gen.Select(Gen.Float[-1000, 1000].Array[1, 40], Gen.Double[0.1, 50].Array[1, 12]).ForAll((row, weights) =>
    {
        Reduce([.. weights.Select(_ => row)], weights, Mean).Cell.Should().Equal(row);
        Reduce([.. weights.Select(_ => row)], weights, Trimmed).Cell.Should().Equal(row);
    });

    [Fact]
    public void Who_did_no_verified_work_or_sent_nothing_does_not_count()
    {
        var (cell, reduction) = Reduce([[1, 1], [float.NaN, 100], [], [4, 7]], [1, 0, 5, 2], Mean);

        cell.Should().Equal(3, 5);
        reduction.Should().BeEquivalentTo(new { IsMissing = false, NotFinite = Array.Empty<int>(), Understated = Array.Empty<int>() });
    }

    [Fact]
    public void Without_any_weight_the_cell_is_missing()
    {
        Reduce([[1], [2]], [0, 0], Mean).Reduction.IsMissing.Should().BeTrue();
        Reduce([[], []], [1, 2], Mean).Reduction.IsMissing.Should().BeTrue();
        Reduce([[float.NaN]], [1], Trimmed).Reduction.IsMissing.Should().BeTrue();
        Reduce([[float.NaN]], [1], Mean).Cell.Should().Equal(0);
    }

    [Fact]
    public void A_value_that_is_no_number_excludes_its_sender_wherever_it_stands() =>
        Gen.Select(Gen.Int[1, 70], Gen.Int[0, 69], Gen.OneOf(float.NaN, float.PositiveInfinity, float.NegativeInfinity), Gen.Int[0, 2], Gen.OneOf(Mean, Trimmed))
            .ForAll((length, position, wrong, sender, settings) =>
            {
                float[][] rows = [.. Enumerable.Range(1, 3).Select(value => Enumerable.Repeat((float)value, length).ToArray())];
                var others = Reduce([.. rows.Where((_, index) => index != sender)], [1, 1], settings).Cell;
                rows[sender][position % length] = wrong;

                var (cell, reduction) = Reduce(rows, [1, 1, 1], settings);

                reduction.NotFinite.Should().Equal(sender);
                cell.Should().Equal(others);
            });

    [Fact]
    public void The_largest_finite_numbers_do_not_overflow() =>
        Reduce([[float.MaxValue, -float.MaxValue], [float.MaxValue, -float.MaxValue]], [1e300, 1e300], Mean).Cell.Should().Equal(float.MaxValue, -float.MaxValue);

    [Fact]
    public void An_update_is_scaled_down_to_the_multiple_of_the_median_norm()
    {
        // Norms 1, 1, 10: the median is 1, so the third counts with at most 2.
        var (cell, reduction) = Reduce([[1], [-1], [10]], [1, 1, 2], Clip, [1, 1, 10]);

        cell.Should().Equal(1f);
        reduction.Understated.Should().BeEmpty();
        NormClip.Factors([1, 1, 10], [1, 1, 2], 2).Should().Equal(1, 1, 0.2);
        NormClip.Factors([1, 3], [1, 1], 1).Should().Equal(1, 2.0 / 3);
        NormClip.Factors([5, 1, double.NaN], [1, 0, 1], 1).Should().Equal(1, 1, 0);
    }

    [Fact]
    public void Whoever_states_a_smaller_norm_than_one_cell_has_is_left_out()
    {
        var (cell, reduction) = Reduce([[1], [1], [1000]], [1, 1, 1], Clip, [1, 1, 1]);

        reduction.Understated.Should().Equal(2);
        cell.Should().Equal(1f);
    }

    [Fact]
    public void However_large_one_update_is_norm_clip_bounds_what_it_moves() => Gen.Select(Gen.Int[3, 9], Gen.Double[1, 1e6]).ForAll((miners, size) =>
    {
        float[][] rows = [.. Enumerable.Range(0, miners).Select(miner => (float[])[miner == 0 ? (float)size : 0.5f])];
        double[] norms = [.. rows.Select(row => (double)MathF.Abs(row[0]))];

        Reduce(rows, [.. rows.Select(_ => 1.0)], Clip, norms).Cell[0].Should().BeLessThanOrEqualTo((float)(((miners - 1) * 0.5) + 1.0) / miners * 1.0001f);
    });

    [Fact]
    public void The_trimmed_mean_is_the_weighted_mean_without_the_ends() =>
        Gen.Select(Gen.Float[-10, 10].Array[5].Array[1, 9], Gen.Double[0.1, 10].Array[9], Gen.Int[0, 5]).ForAll((rows, weights, trim) =>
        {
            var cell = Reduce(rows, weights[..rows.Length], Trimmed with { Trim = trim }).Cell;
            var dropped = Math.Min(trim, (rows.Length - 1) / 2);
            for (var i = 0; i < cell.Length; i++)
            {
                var kept = rows.Select((row, miner) => (Value: row[i], Weight: weights[miner])).OrderBy(it => it.Value).Skip(dropped).SkipLast(dropped).ToArray();
                ((double)cell[i]).Should().BeApproximately(kept.Sum(it => it.Value * it.Weight) / kept.Sum(it => it.Weight), 1e-6);
            }
        });

    [Fact]
    public void With_one_trimmed_a_single_attacker_stays_within_the_honest_values() =>
        Gen.Select(Gen.Float[-1, 1].Array[2, 8], Gen.Float[-1e30f, 1e30f]).ForAll((honest, attack) =>
        {
            var cell = Reduce([[attack], .. honest.Select(value => (float[])[value])], [.. Enumerable.Repeat(1.0, honest.Length + 1)], Trimmed).Cell[0];

            cell.Should().BeInRange(honest.Min(), honest.Max());
        });

    [Fact]
    public void Wrong_counts_lengths_and_weights_are_refused()
    {
        FluentActions.Invoking(() => Reduce([[1], [2]], [1], Mean)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => Reduce([[1], [2]], [1, -1], Mean)).Should().Throw<ArgumentException>().WithMessage("*never negative*");
        FluentActions.Invoking(() => Reduce([[1], [2]], [1, double.NaN], Mean)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => Reduce([[1], [2, 3]], [1, 1], Mean)).Should().Throw<ArgumentException>().WithMessage("*2 values*");
        FluentActions.Invoking(() => Reduce([[1], [2]], [1, 1], Clip)).Should().Throw<ArgumentException>();
    }

    private static (float[] Cell, CellReduction Reduction) Reduce(float[][] rows, double[] weights, MergeSettings settings, double[]? norms = null)
    {
        var cell = Enumerable.Repeat(77f, rows.FirstOrDefault(row => row.Length > 0)?.Length ?? 1).ToArray();
        ReadOnlyMemory<float>[] contributions = [.. rows.Select(row => row.AsMemory())];
        return (cell, CellReducer.Reduce(contributions, weights, norms, settings, cell));
    }
}
