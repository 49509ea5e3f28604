using System.CommandLine;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Storage;

namespace IotaOrleans.Host.CommandLine.Rewards;

/// <summary><c>iota why</c>: why a miner was paid what it was paid.</summary>
internal sealed class WhyCommand : IotaCommand
{
    private readonly Argument<string> _miner = new("MINER") { Description = "The miner" };
    private readonly Setting<string?> _runs = RunSettings.RunsFolder();
    private readonly Setting<StoreAddress?> _store = RunSettings.StoreOf("The PostgreSQL database of the run's cluster", "the run's own file");
    private readonly Setting<string?> _run = new(SettingGroups.Run, "--run", "The run", Values.Name("RUN"), null, "the one that was written to last");
    private readonly Setting<int?> _epoch = new(SettingGroups.Run, "--epoch", "One epoch, from zero", Values.Whole(0, int.MaxValue).OrNone(), null, "all");
    private readonly JsonSettings _output = new();

    public WhyCommand()
        : base("why", "Says why a miner was paid what it was paid.")
    {
        Arguments.Add(_miner);
        Options.Add(_runs);
        Options.Add(_store);
        Options.Add(_run);
        Options.Add(_epoch);
        Use(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
    [
        ("iota why ada", "Every payslip of ada in the newest run"),
        ("iota why ada --epoch 3", "One payslip"),
    ];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var miner = parsed.GetRequiredValue(_miner);
        var ledger = await RunLedger.OpenAsync(_runs.Of(parsed)!, _run.Of(parsed), _store.Of(parsed), cancellationToken);
        var settlements = await ledger.SettlementsAsync(cancellationToken);
        if (_epoch.Of(parsed) is { } epoch)
        {
            settlements = [.. settlements.Where(settlement => settlement.Epoch == epoch)];
            if (settlements.Count == 0)
            {
                throw new IotaException(ExitCode.RunState, $"epoch {epoch} of run {ledger.Run} is not settled");
            }
        }

        var slips = settlements.SelectMany(settlement => settlement.Payslips.Where(slip => slip.Miner == miner).Select(slip => (settlement.Epoch, Slip: slip))).ToArray();
        if (slips.Length == 0)
        {
            if (_epoch.Of(parsed) is null && await FindLossAsync(ledger, miner, cancellationToken) is { } reason)
            {
                throw new IotaException(ExitCode.RunState, $"run {ledger.Run} has no payslip of {miner}, as none of its work was counted; it was lost: {reason}");
            }

            var known = settlements.SelectMany(settlement => settlement.Payslips).Select(slip => slip.Miner).Distinct().Order(StringComparer.Ordinal).Take(10).ToArray();
            throw new IotaException(ExitCode.Usage, $"run {ledger.Run} has no payslip of {miner}; {(known.Length == 0 ? "no epoch is settled yet" : $"there are some of {string.Join(", ", known)}")}");
        }

        if (_output.Json.Of(parsed))
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(
                slips.Select(entry => new { ledger.Run, entry.Epoch, entry.Slip.Miner, entry.Slip.Stage, entry.Slip.BackwardPasses, entry.Slip.Tokens, entry.Slip.Paid, Reasons = entry.Slip.Reason.Split('\n') }),
                RunEventJson.Options));
            return (int)ExitCode.Success;
        }

        foreach (var (number, slip) in slips)
        {
            await Console.Out.WriteLineAsync($"run {ledger.Run}, epoch {number}: {slip.Miner} was paid {Figures.Count(slip.Paid)}");
            foreach (var line in slip.Reason.Split('\n'))
            {
                await Console.Out.WriteLineAsync($"  {line}");
            }
        }

        return (int)ExitCode.Success;
    }

    /// <summary>Why the run lost a miner, or null when it did not.</summary>
    private static async Task<string?> FindLossAsync(RunLedger ledger, string miner, CancellationToken cancellationToken) =>
        (await ledger.Journal.ReadAsync(ledger.Run, cancellationToken)).OfType<MembersChanged>().LastOrDefault(changed => changed.Miner == miner && changed.Change == MemberChange.Lost)?.Reason;
}
