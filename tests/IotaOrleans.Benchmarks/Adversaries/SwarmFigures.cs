using System.Text.Json;

namespace IotaOrleans.Benchmarks.Adversaries;

/// <summary>What a run with cheats showed, read from its events.</summary>
internal sealed record SwarmFigures
{
    /// <summary>Miners that were found, and the epoch of the run in which that was, counted from one.</summary>
    public required IReadOnlyList<(string Miner, int Epoch)> Found { get; init; }

    /// <summary>Miners that were honest and were sent away or lost, with the reason that was given.</summary>
    public required IReadOnlyList<string> HonestPunished { get; init; }

    /// <summary>Suspicions that were published.</summary>
    public required int Suspected { get; init; }

    /// <summary>Epochs until the cheating had ended; infinite when it had not.</summary>
    public required double EpochsUntilFound { get; init; }

    /// <summary>Most that a cheat was paid in the epochs that were settled after it was found.</summary>
    public required double PaidToFound { get; init; }

    /// <summary>What an honest miner was paid in the same epochs, on average.</summary>
    public required double PaidToHonest { get; init; }

    /// <summary>Validation loss at the end, nats per token.</summary>
    public required double Loss { get; init; }

    /// <summary>Time in which checks computed.</summary>
    public required double AuditSeconds { get; init; }

    /// <summary>Time in which all miners computed.</summary>
    public required double BusySeconds { get; init; }

    /// <summary>Reads the lines of <c>--json</c>.</summary>
    /// <param name="lines">The lines.</param>
    /// <param name="ending">What ends the cheating.</param>
    /// <param name="epochSteps">Steps of an epoch.</param>
    public static SwarmFigures Read(IReadOnlyList<string> lines, Ending ending, int epochSteps)
    {
        var adversaries = new Dictionary<string, int>();
        var punished = new List<(string Miner, int Epoch, DateTimeOffset At)>();
        var reasons = new Dictionary<string, string>();
        var named = new List<(string Miner, int Epoch, DateTimeOffset At)>();
        // What counts is when an epoch was settled, not when that was told: a session that begins anew tells of it once more.
        var pay = new Dictionary<(int Epoch, string Miner), (long Paid, DateTimeOffset At)>();
        var (auditSeconds, busySeconds, loss, suspected) = (0.0, 0.0, double.NaN, 0);
        DateTimeOffset? before = null;
        foreach (var line in lines)
        {
            using var document = JsonDocument.Parse(line);
            var happened = document.RootElement;
            var at = happened.GetProperty("at").GetDateTimeOffset();
            switch (happened.GetProperty("event").GetString())
            {
                case "started":
                    if (adversaries.Count == 0)
                    {
                        adversaries = Cheats(happened);
                    }

                    break;
                case "step":
                    busySeconds += (at - (before ?? at)).TotalSeconds * happened.GetProperty("busyShares").EnumerateArray().Sum(share => share.GetDouble());
                    before = at;
                    break;
                case "audit":
                    var verdict = happened.GetProperty("verdict");
                    auditSeconds += TimeSpan.Parse(verdict.GetProperty("duration").GetString()!, System.Globalization.CultureInfo.InvariantCulture).TotalSeconds;
                    break;
                case "members" when happened.GetProperty("change").GetString() == "lost":
                    punished.Add((happened.GetProperty("miner").GetString()!, Epoch(happened, epochSteps), at));
                    reasons.TryAdd(punished[^1].Miner, happened.GetProperty("reason").GetString()!);
                    break;
                case "suspicion":
                    suspected++;
                    if (happened.GetProperty("reason").GetString()!.Contains("micro-batches in an epoch", StringComparison.Ordinal))
                    {
                        named.Add((happened.GetProperty("miner").GetString()!, Epoch(happened, epochSteps), at));
                    }

                    break;
                case "epoch":
                    var settlement = happened.GetProperty("settlement");
                    var settled = settlement.GetProperty("closedAt").GetDateTimeOffset();
                    foreach (var slip in settlement.GetProperty("payslips").EnumerateArray())
                    {
                        pay.TryAdd((settlement.GetProperty("epoch").GetInt32(), slip.GetProperty("miner").GetString()!), (slip.GetProperty("paid").GetInt64(), settled));
                    }

                    break;
                case "finished":
                    loss = happened.GetProperty("validationLoss").GetDouble();
                    break;
            }
        }

        var found = (ending == Ending.AllAreNamed ? named : punished).Where(entry => adversaries.ContainsKey(entry.Miner)).GroupBy(entry => entry.Miner).ToDictionary(group => group.Key, group => group.First());
        var first = found.Values.Select(entry => entry.At).DefaultIfEmpty().Min();
        return new SwarmFigures
        {
            Found = [.. found.Values.Select(entry => (entry.Miner, entry.Epoch))],
            HonestPunished = [.. reasons.Where(entry => !adversaries.ContainsKey(entry.Key)).Select(entry => $"{entry.Key}: {entry.Value}")],
            Suspected = suspected,
            EpochsUntilFound = ending == Ending.OneStageIsGone
                ? adversaries.GroupBy(adversary => adversary.Value).Select(stage => LastOf(stage.Select(adversary => adversary.Key), found)).DefaultIfEmpty(0).Min()
                : LastOf(adversaries.Keys, found),
            PaidToFound = found.Values.Select(entry => pay.Where(slip => slip.Key.Miner == entry.Miner && slip.Value.At > entry.At).Sum(slip => (double)slip.Value.Paid)).DefaultIfEmpty(0).Max(),
            PaidToHonest = pay.Where(slip => !adversaries.ContainsKey(slip.Key.Miner) && slip.Value.At > first).GroupBy(slip => slip.Key.Miner).Select(own => own.Sum(slip => (double)slip.Value.Paid)).DefaultIfEmpty(0).Average(),
            Loss = loss,
            AuditSeconds = auditSeconds,
            BusySeconds = busySeconds,
        };
    }

    private static double LastOf(IEnumerable<string> miners, Dictionary<string, (string Miner, int Epoch, DateTimeOffset At)> found) =>
        miners.Select(miner => found.TryGetValue(miner, out var entry) ? entry.Epoch : double.PositiveInfinity).DefaultIfEmpty(0).Max();

    private static int Epoch(JsonElement happened, int epochSteps) => (int)(happened.GetProperty("step").GetInt64() / epochSteps) + 1;

    /// <summary>The cheats and their stages.</summary>
    private static Dictionary<string, int> Cheats(JsonElement started)
    {
        var stages = started.GetProperty("stages").EnumerateArray().ToDictionary(stage => stage.GetProperty("miner").GetString()!, stage => stage.GetProperty("stage").GetInt32());
        return started.GetProperty("adversaries").EnumerateArray().Select(adversary => adversary.GetProperty("miner").GetString()!).ToDictionary(miner => miner, miner => stages[miner]);
    }
}

/// <summary>What ends a way to cheat.</summary>
internal enum Ending
{
    /// <summary>All who cheat were sent away.</summary>
    AllAreGone,

    /// <summary>All who cheat of one stage were sent away: who is left has nobody to cheat with.</summary>
    OneStageIsGone,

    /// <summary>All were named: it is no cheat for which anybody is sent away.</summary>
    AllAreNamed,
}
