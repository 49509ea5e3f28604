using System.Collections.Immutable;
using System.Globalization;

namespace IotaOrleans.Protocol.Rewards;

/// <summary>
/// Divides an epoch's emission among the miners in proportion to their counted backward passes, to the unit:
/// what is paid plus what is burned is what was emitted. Rounding is by largest remainder (Hamilton's method).
/// </summary>
public static class Settlement
{
    /// <summary>Settles one epoch by work alone: no burn, no cap, no window.</summary>
    /// <inheritdoc cref="Settle(string, int, RewardPolicy, IEnumerable{RewardClaim}, DateTimeOffset)" path="/exception" />
    public static EpochSettlement Settle(string run, int epoch, long emission, IEnumerable<RewardClaim> claims, DateTimeOffset at) =>
        Settle(run, epoch, new RewardPolicy { Emission = emission }, claims, at);

    /// <summary>Settles one epoch. The same claims and rules give the same payslips, whenever and wherever they are computed.</summary>
    /// <param name="run">The run.</param>
    /// <param name="epoch">The epoch, from zero.</param>
    /// <param name="policy">The rules.</param>
    /// <param name="claims">The counted work; several claims of one miner on one stage are added up.</param>
    /// <param name="at">When the epoch closes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The emission or a count is negative, or a rule is out of its range.</exception>
    public static EpochSettlement Settle(string run, int epoch, RewardPolicy policy, IEnumerable<RewardClaim> claims, DateTimeOffset at)
    {
        RewardPolicyValidator.Validate(policy);
        var shares = Gather(claims);
        var total = Sum(shares, share => share.Score);
        var pool = (long)((Int128)policy.Emission * (RewardPolicy.Whole - policy.Burn) / RewardPolicy.Whole);
        if (total > 0)
        {
            Divide(shares, pool, total);
            Cap(shares, (long)((Int128)policy.Emission * policy.LargestShare / RewardPolicy.Whole));
        }

        var payslips = shares
            .OrderBy(share => share.Stage)
            .ThenBy(share => share.Miner, StringComparer.Ordinal)
            .Select(share => new Payslip(share.Miner, share.Stage, share.BackwardPasses, share.Tokens, share.Paid, Explain(share, policy, pool, total)))
            .ToImmutableArray();
        return new EpochSettlement(run, epoch, policy.Emission, policy.Emission - Sum(shares, share => share.Paid), payslips, at);
    }

    private static Share[] Gather(IEnumerable<RewardClaim> claims)
    {
        var shares = new Dictionary<(string Miner, int Stage), Share>();
        foreach (var claim in claims)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(claim.BackwardPasses, nameof(claims));
            ArgumentOutOfRangeException.ThrowIfNegative(claim.EarlierPasses, nameof(claims));
            ArgumentOutOfRangeException.ThrowIfNegative(claim.Tokens, nameof(claims));
            if (!shares.TryGetValue((claim.Miner, claim.Stage), out var share))
            {
                shares.Add((claim.Miner, claim.Stage), share = new Share(claim.Miner, claim.Stage));
            }

            share.BackwardPasses = checked(share.BackwardPasses + claim.BackwardPasses);
            share.EarlierPasses = checked(share.EarlierPasses + claim.EarlierPasses);
            share.Tokens = checked(share.Tokens + claim.Tokens);
            share.Penalty ??= claim.Penalty;
        }

        return [.. shares.Values];
    }

    private static void Divide(Share[] shares, long pool, long total)
    {
        var left = pool;
        foreach (var share in shares)
        {
            var (whole, remainder) = Int128.DivRem((Int128)pool * share.Score, total);
            share.Earned = (long)whole;
            share.Remainder = (long)remainder;
            left -= share.Earned;
        }

        // The remainders add up to left × total and each is below total, so whoever gets a unit had a remainder.
        var next = shares
            .OrderByDescending(share => share.Remainder)
            .ThenBy(share => share.Miner, StringComparer.Ordinal)
            .ThenBy(share => share.Stage);
        foreach (var share in next.Take((int)left))
        {
            share.Earned++;
            share.RoundedUp = true;
        }
    }

    /// <summary>The bound is on a miner, whatever stages it held: what is too much is taken from the later stages first.</summary>
    private static void Cap(Share[] shares, long most)
    {
        foreach (var own in shares.GroupBy(share => share.Miner))
        {
            var left = most;
            foreach (var share in own.OrderBy(share => share.Stage))
            {
                share.CutOff = Math.Max(0, share.Earned - left);
                left -= share.Paid;
            }
        }
    }

    /// <summary>One line for each reason.</summary>
    private static string Explain(Share share, RewardPolicy policy, long pool, long total)
    {
        if (share.Penalty is not null)
        {
            return share.Penalty;
        }

        if (total == 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"No backward pass was counted in the epoch: its {policy.Emission:N0} units are burned.");
        }

        var lines = new List<string>();
        var inWindow = policy.Window > 1 ? string.Create(CultureInfo.InvariantCulture, $" in {policy.Window} epochs") : "";
        if (share.Score == 0)
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"No backward pass on stage {share.Stage} was counted, of {total:N0}{(policy.Window > 1 ? inWindow : " in the epoch")}."));
        }
        else
        {
            var percent = (decimal)share.Score / total * 100;
            var rounding = share.RoundedUp ? ", rounded up" : "";
            lines.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{share.Score:N0} of {total:N0} counted backward passes{inWindow}, on stage {share.Stage}: {percent:F1} % of {pool:N0}{rounding}."));
        }

        if (share.CutOff > 0)
        {
            lines.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"No miner gets more than {(decimal)policy.LargestShare / RewardPolicy.Whole:P1} of the emission: {share.CutOff:N0} units above that are burned."));
        }

        return string.Join('\n', lines);
    }

    private static long Sum<T>(IEnumerable<T> items, Func<T, long> value) => items.Aggregate(0L, (sum, item) => checked(sum + value(item)));

    private sealed class Share(string miner, int stage)
    {
        public string Miner { get; } = miner;

        public int Stage { get; } = stage;

        public long BackwardPasses { get; set; }

        public long EarlierPasses { get; set; }

        public long Tokens { get; set; }

        public string? Penalty { get; set; }

        /// <summary>What it is paid for: nothing under a penalty, so that its part goes to those who worked.</summary>
        public long Score => Penalty is null ? checked(BackwardPasses + EarlierPasses) : 0;

        public long Earned { get; set; }

        public long Remainder { get; set; }

        public bool RoundedUp { get; set; }

        /// <summary>What the bound on a miner's share takes away.</summary>
        public long CutOff { get; set; }

        public long Paid => Earned - CutOff;
    }
}
