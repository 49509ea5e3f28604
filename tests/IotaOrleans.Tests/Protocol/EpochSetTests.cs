using CsCheck;
using IotaOrleans.Grains.Miners;

namespace IotaOrleans.Tests.Protocol;

public sealed class EpochSetTests
{
    [Fact]
    public void It_holds_what_was_added_in_any_order_as_few_ranges_as_possible() =>
        Gen.Int[0, 60].Array[0, 60].ForAll(epochs =>
        {
            var set = epochs.Aggregate(EpochSet.Empty, (set, epoch) => set.Add(epoch));
            var gaps = epochs.Distinct().Count(epoch => !epochs.Contains(epoch + 1));
            return Enumerable.Range(0, 61).All(epoch => set.Contains(epoch) == epochs.Contains(epoch)) && set.Ranges.Length == gaps;
        });
}
