using System.Collections.Immutable;
using System.Globalization;

namespace IotaOrleans.Protocol.Rewards;

/// <summary>
/// Divides an epoch's emission among the miners in proportion to their counted backward passes, to the unit:
/// what is paid plus what is burned is what was emitted. Rounding is by largest remainder (Hamilton's method).
/// </summary>
public static class Settlement
{
    /// <summary>Settles one epoch.</summary>
    /// <param name="run">The run.</param>
    /// <param name="epoch">The epoch, from zero.</param>
    /// <param name="emission">Reward units to divide.</param>
    /// <param name="work">The counted work; several records of one miner on one stage are added up.</param>
    /// <param name="at">When the epoch closes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The emission or a count is negative.</exception>
    public static EpochSettlement Settle(string run, int epoch, long emission, ImmutableArray<WorkRecord> work, DateTimeOffset at)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(emission);
        foreach (var record in work)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(record.BackwardPasses, nameof(work));
            ArgumentOutOfRangeException.ThrowIfNegative(record.Tokens, nameof(work));
        }

        var shares = work
            .GroupBy(record => (record.Miner, record.Stage))
            .Select(group => new Share(group.Key.Miner, group.Key.Stage, Sum(group, record => record.BackwardPasses), Sum(group, record => record.Tokens)))
            .ToArray();
        var total = Sum(shares, share => share.BackwardPasses);
        if (total > 0)
        {
            Divide(shares, emission, total);
        }

        var payslips = shares
            .OrderBy(share => share.Stage)
            .ThenBy(share => share.Miner, StringComparer.Ordinal)
            .Select(share => new Payslip(share.Miner, share.Stage, share.BackwardPasses, share.Tokens, share.Paid, Explain(share, emission, total)))
            .ToImmutableArray();
        return new EpochSettlement(run, epoch, emission, total > 0 ? 0 : emission, payslips, at);
    }

    private static void Divide(Share[] shares, long emission, long total)
    {
        var left = emission;
        foreach (var share in shares)
        {
            var (whole, remainder) = Int128.DivRem((Int128)emission * share.BackwardPasses, total);
            share.Paid = (long)whole;
            share.Remainder = (long)remainder;
            left -= share.Paid;
        }

        // The remainders add up to left × total and each is below total, so whoever gets a unit had a remainder.
        var next = shares
            .OrderByDescending(share => share.Remainder)
            .ThenBy(share => share.Miner, StringComparer.Ordinal)
            .ThenBy(share => share.Stage);
        foreach (var share in next.Take((int)left))
        {
            share.Paid++;
            share.RoundedUp = true;
        }
    }

    private static string Explain(Share share, long emission, long total)
    {
        if (total == 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"No backward pass was counted in the epoch: its {emission:N0} units are burned.");
        }

        if (share.BackwardPasses == 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"No backward pass on stage {share.Stage} was counted, of {total:N0} in the epoch.");
        }

        var percent = (decimal)share.BackwardPasses / total * 100;
        var rounding = share.RoundedUp ? ", rounded up" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{share.BackwardPasses:N0} of {total:N0} counted backward passes, on stage {share.Stage}: {percent:F1} % of {emission:N0}{rounding}.");
    }

    private static long Sum<T>(IEnumerable<T> items, Func<T, long> value) => items.Aggregate(0L, (sum, item) => checked(sum + value(item)));

    private sealed class Share(string miner, int stage, long backwardPasses, long tokens)
    {
        public string Miner { get; } = miner;

        public int Stage { get; } = stage;

        public long BackwardPasses { get; } = backwardPasses;

        public long Tokens { get; } = tokens;

        public long Paid { get; set; }

        public long Remainder { get; set; }

        public bool RoundedUp { get; set; }
    }
}
