using System.CommandLine;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Storage;
using IotaOrleans.Protocol.Rewards;

namespace IotaOrleans.Host.CommandLine.Rewards;

/// <summary><c>iota audit</c>: holds a run's whole ledger against what must be true of it.</summary>
internal sealed class AuditCommand : IotaCommand
{
    private readonly Argument<string?> _run = new("run") { Description = "The run; without it, the one that was written to last", Arity = ArgumentArity.ZeroOrOne };
    private readonly Setting<string?> _runs = RunSettings.RunsFolder();
    private readonly Setting<StoreAddress?> _store = RunSettings.StoreOf("The PostgreSQL database of the run's cluster", "the run's own file");
    private readonly JsonSettings _output = new();

    public AuditCommand()
        : base("audit", "Checks a run's ledger: nothing lost, nothing counted twice, all of it signed, every payout as it follows; exit code 1 otherwise.")
    {
        Arguments.Add(_run);
        Options.Add(_runs);
        Options.Add(_store);
        Use(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples => [("iota audit brisk-otter", "Whether its books are in order")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var books = await RunLedger.OpenAsync(_runs.Of(parsed)!, parsed.GetValue(_run), _store.Of(parsed), cancellationToken);
        var (run, ledger) = (books.Run, books.Ledger);
        var epochs = await ledger.ListAsync(run, cancellationToken);
        var audit = new LedgerAudit(epochs, books.IsFinished(_runs.Of(parsed)!));
        var payments = new List<string>();
        foreach (var epoch in epochs)
        {
            var stored = (await ledger.FindAsync(run, epoch, cancellationToken))!;
            payments.AddRange(SettlementDifferences.Between(stored, (await ledger.RecomputeAsync(run, epoch, cancellationToken))!));
            var paid = stored.Payslips.Sum(slip => slip.Paid);
            if (paid + stored.Burned != stored.Emission)
            {
                payments.Add($"epoch {epoch}: {Figures.Count(paid)} paid and {Figures.Count(stored.Burned)} burned are not the {Figures.Count(stored.Emission)} that were emitted");
            }

            foreach (var miner in await ledger.MinersAsync(run, epoch, cancellationToken))
            {
                audit.Add(await ledger.ReceiptsAsync(run, epoch, miner, cancellationToken));
            }
        }

        foreach (var segment in audit.Segments)
        {
            audit.Add(segment, await ledger.FindSealAsync(segment, cancellationToken));
        }

        var findings = audit.Finish();
        findings = findings with { Violations = findings.Violations.AddRange(payments) };
        await Console.Out.WriteLineAsync(_output.Json.Of(parsed) ? JsonSerializer.Serialize(new { Run = run, Findings = findings }, RunEventJson.Options) : Lines(run, findings));
        return (int)(findings.Violations.IsEmpty ? ExitCode.Success : ExitCode.Failed);
    }

    private static string Lines(string run, LedgerFindings findings) => string.Join(
        Environment.NewLine,
        [
            .. findings.Violations,
            $"run {run}: {Figures.Plural(findings.Epochs, "settled epoch")}, {Figures.Plural(findings.BackwardPasses, "backward pass", "backward passes")}, lost {Figures.Count(findings.Lost)}, doubled {Figures.Count(findings.Doubled)}, forfeited {Figures.Count(findings.Forfeited)}{(findings.Open > 0 ? $", not signed for yet {Figures.Count(findings.Open)}" : "")}; "
                + $"{Figures.Plural(findings.Segments, "signature")} checked, {Figures.Plural(findings.Unsigned, "receipt")} by the plan; {(findings.Violations.IsEmpty ? "in order" : Figures.Plural(findings.Violations.Length, "violation"))}",
        ]);
}
