using System.CommandLine;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Storage;

namespace IotaOrleans.Host.CommandLine.Rewards;

/// <summary><c>iota rewards recompute</c>: computes every settlement again from the receipts, and compares.</summary>
internal sealed class RecomputeCommand : IotaCommand
{
    private readonly Setting<string?> _runs = RunSettings.RunsFolder();
    private readonly Setting<StoreAddress?> _store = RunSettings.StoreOf("The PostgreSQL database of the run's cluster", "the run's own file");
    private readonly Setting<string?> _run = new(SettingGroups.Run, "--run", "The run", Values.Name("RUN"), null, "the one that was written to last");
    private readonly JsonSettings _output = new();

    public RecomputeCommand()
        : base("recompute", "Computes every payout again from the receipts, and compares it with what was paid.")
    {
        Options.Add(_runs);
        Options.Add(_store);
        Options.Add(_run);
        Use(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [("iota rewards recompute", "Whether the newest run's payouts follow from its ledger")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var ledger = await RunLedger.OpenAsync(_runs.Of(parsed)!, _run.Of(parsed), _store.Of(parsed), cancellationToken);
        var differences = new List<string>();
        var epochs = await ledger.Ledger.ListAsync(ledger.Run, cancellationToken);
        long paid = 0, burned = 0, emitted = 0;
        foreach (var epoch in epochs)
        {
            var stored = (await ledger.Ledger.FindAsync(ledger.Run, epoch, cancellationToken))!;
            var again = (await ledger.Ledger.RecomputeAsync(ledger.Run, epoch, cancellationToken))!;
            differences.AddRange(SettlementDifferences.Between(stored, again));
            (paid, burned, emitted) = (paid + stored.Payslips.Sum(slip => slip.Paid), burned + stored.Burned, emitted + stored.Emission);
        }

        if (paid + burned != emitted)
        {
            differences.Add($"{Figures.Count(paid)} paid and {Figures.Count(burned)} burned are not the {Figures.Count(emitted)} that were emitted");
        }

        if (_output.Json.Of(parsed))
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(new { ledger.Run, Epochs = epochs.Count, Emitted = emitted, Paid = paid, Burned = burned, Differences = differences }, RunEventJson.Options));
        }
        else
        {
            foreach (var difference in differences)
            {
                await Console.Out.WriteLineAsync(difference);
            }

            await Console.Out.WriteLineAsync(
                $"run {ledger.Run}: {Figures.Plural(epochs.Count, "epoch")}, {Figures.Count(emitted)} emitted = {Figures.Count(paid)} paid + {Figures.Count(burned)} burned; {(differences.Count == 0 ? "every payout follows from the ledger" : Figures.Plural(differences.Count, "difference"))}");
        }

        return (int)(differences.Count == 0 ? ExitCode.Success : ExitCode.Failed);
    }
}
