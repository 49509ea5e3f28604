using CsCheck;
using IotaOrleans.Training.Data;

namespace IotaOrleans.Tests.Data;

public sealed class DataSliceTests
{
    [Fact]
    public void A_step_reads_the_same_rows_however_it_is_cut()
    {
        Gen.Select(Gen.ULong, Gen.Int[0, 1_000_000], Gen.Int[1, 6], Gen.Int[1, 6], Gen.Int[1, 100], Gen.Long[101, 1L << 40]).ForAll(
            (seed, step, microBatches, size, context, count) =>
            {
                var whole = DataSlice.Offsets(seed, DataSplit.Train, step, 0, microBatches * size, context, count);
                var cut = Enumerable.Range(0, microBatches).SelectMany(microBatch => DataSlice.Offsets(seed, DataSplit.Train, step, microBatch, size, context, count));
                cut.Should().Equal(whole);
            });
    }

    [Fact]
    public void Every_sequence_and_its_last_target_lie_within_the_tokens()
    {
        Gen.Select(Gen.ULong, Gen.Int[1, 64], Gen.Int[1, 64], Gen.Int[1, 1000]).ForAll((seed, sequences, context, spare) =>
        {
            var count = (long)context + spare;
            DataSlice.Offsets(seed, DataSplit.Train, 3, 2, sequences, context, count).Should().OnlyContain(offset => offset >= 0 && offset + context < count);
            DataSlice.ValidationOffsets(sequences, context, count).Should().OnlyContain(offset => offset >= 0 && offset + context < count);
        });
    }

    [Fact]
    public void The_same_seed_gives_the_same_offsets_on_every_machine_and_in_every_version()
    {
        DataSlice.Offsets(1337, DataSplit.Train, 7, 1, 4, 128, 1_003_854).Should().Equal(537_609, 794_951, 385_805, 937_613);
    }

    [Fact]
    public void Seed_split_and_step_each_change_the_offsets()
    {
        var offsets = DataSlice.Offsets(1, DataSplit.Train, 0, 0, 8, 16, 1 << 30);
        DataSlice.Offsets(2, DataSplit.Train, 0, 0, 8, 16, 1 << 30).Should().NotIntersectWith(offsets);
        DataSlice.Offsets(1, DataSplit.Validation, 0, 0, 8, 16, 1 << 30).Should().NotIntersectWith(offsets);
        DataSlice.Offsets(1, DataSplit.Train, 1, 0, 8, 16, 1 << 30).Should().NotIntersectWith(offsets);
    }

    [Fact]
    public void Offsets_are_spread_evenly_over_the_tokens()
    {
        const int Buckets = 16;
        const int Draws = 16_000;
        var counts = new int[Buckets];
        for (var step = 0; step < Draws / 16; step++)
        {
            foreach (var offset in DataSlice.Offsets(42, DataSplit.Train, step, 0, 16, 64, 64 + 1600))
            {
                counts[offset / 100]++;
            }
        }

        var expected = Draws / (double)Buckets;
        var chiSquared = counts.Sum(count => (count - expected) * (count - expected) / expected);
        chiSquared.Should().BeLessThan(37.7, "that is the 0.999 quantile for 15 degrees of freedom");
    }

    [Fact]
    public void One_possible_start_is_always_chosen()
    {
        DataSlice.Offsets(5, DataSplit.Train, 0, 0, 3, 10, 11).Should().Equal(0, 0, 0);
    }

    [Fact]
    public void Validation_offsets_are_evenly_spaced_from_the_first_place_to_the_last()
    {
        DataSlice.ValidationOffsets(5, 10, 111).Should().Equal(0, 25, 50, 75, 100);
        DataSlice.ValidationOffsets(1, 10, 111).Should().Equal(0);
        DataSlice.ValidationOffsets(3, 10, long.MaxValue).Should().Equal(0, (long.MaxValue - 11) / 2, long.MaxValue - 11);
    }

    [Fact]
    public void Too_few_tokens_for_one_sequence_are_refused()
    {
        var act = () => DataSlice.Offsets(5, DataSplit.Train, 0, 0, 3, 10, 10);
        act.Should().Throw<ArgumentOutOfRangeException>();
    }
}
