using IotaOrleans.Host.Progress;

namespace IotaOrleans.Host.CommandLine.Rewards;

/// <summary>What was paid beside what follows from the ledger, a sentence for each difference.</summary>
internal static class SettlementDifferences
{
    public static IEnumerable<string> Between(EpochSettlement stored, EpochSettlement again)
    {
        if (stored.Burned != again.Burned)
        {
            yield return $"epoch {stored.Epoch}: {Figures.Count(stored.Burned)} were burned, the ledger says {Figures.Count(again.Burned)}";
        }

        var right = again.Payslips.ToDictionary(slip => (slip.Miner, slip.Stage));
        foreach (var slip in stored.Payslips)
        {
            if (!right.Remove((slip.Miner, slip.Stage), out var expected))
            {
                yield return $"epoch {stored.Epoch}: {slip.Miner} was paid {Figures.Count(slip.Paid)} for stage {slip.Stage}, and the ledger knows no such work";
            }
            else if (slip != expected)
            {
                yield return $"epoch {stored.Epoch}: {slip.Miner} was paid {Figures.Count(slip.Paid)} for stage {slip.Stage}, the ledger says {Figures.Count(expected.Paid)}";
            }
        }

        foreach (var missing in right.Values)
        {
            yield return $"epoch {stored.Epoch}: {missing.Miner} was not paid the {Figures.Count(missing.Paid)} for stage {missing.Stage} that the ledger says";
        }
    }
}
