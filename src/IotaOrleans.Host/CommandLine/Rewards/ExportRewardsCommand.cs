using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Storage;
using IotaOrleans.Protocol.Rewards;

namespace IotaOrleans.Host.CommandLine.Rewards;

/// <summary><c>iota rewards export</c>: payslips for other programs, or the weight vector for Bittensor's chain.</summary>
internal sealed class ExportRewardsCommand : IotaCommand
{
    private readonly Setting<string?> _runs = RunSettings.RunsFolder();
    private readonly Setting<StoreAddress?> _store = RunSettings.StoreOf("The PostgreSQL database of the run's cluster", "the run's own file");
    private readonly Setting<string?> _run = new(SettingGroups.Run, "--run", "The run", Values.Name("RUN"), null, "the one that was written to last");

    private readonly Setting<RewardsFormat> _format = new(
        SettingGroups.Run, "--format", "json and csv have every payslip; weights is one 16-bit number for each uid", Values.OneOf(("json", RewardsFormat.Json), ("csv", RewardsFormat.Csv), ("weights", RewardsFormat.Weights)), RewardsFormat.Json);

    private readonly Setting<string?> _uids = new(
        SettingGroups.Run, "--uids", "File with a line 'miner,uid' for each miner, for weights", Values.Text("FILE"), null, "the miners' order by name");

    public ExportRewardsCommand()
        : base("export", "Prints what a run paid, for other programs.")
    {
        Options.Add(_runs);
        Options.Add(_store);
        Options.Add(_run);
        Options.Add(_format);
        Options.Add(_uids);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
    [
        ("iota rewards export --format csv > payslips.csv", "Every payslip of the newest run"),
        ("iota rewards export --format weights --uids uids.csv", "Weights as Bittensor's chain expects them"),
    ];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var ledger = await RunLedger.OpenAsync(_runs.Of(parsed)!, _run.Of(parsed), _store.Of(parsed), cancellationToken);
        var settlements = await ledger.SettlementsAsync(cancellationToken);
        await Console.Out.WriteLineAsync(_format.Of(parsed) switch
        {
            RewardsFormat.Json => JsonSerializer.Serialize(settlements, RunEventJson.Options),
            RewardsFormat.Csv => ToCsv(settlements),
            _ => JsonSerializer.Serialize(Weights(settlements, _uids.Of(parsed)), RunEventJson.Options),
        });
        return (int)ExitCode.Success;
    }

    private static string ToCsv(IEnumerable<EpochSettlement> settlements)
    {
        var text = new StringBuilder("run,epoch,miner,stage,backward_passes,tokens,paid,reason");
        foreach (var settlement in settlements)
        {
            foreach (var slip in settlement.Payslips)
            {
                text.Append(CultureInfo.InvariantCulture, $"\n{settlement.Run},{settlement.Epoch},{Quoted(slip.Miner)},{slip.Stage},{slip.BackwardPasses},{slip.Tokens},{slip.Paid},{Quoted(slip.Reason.Replace('\n', ' '))}");
            }
        }

        return text.ToString();
    }

    // RFC 4180: what could be taken for a separator is quoted, and quotes are doubled.
    private static string Quoted(string text) => text.AsSpan().ContainsAny(',', '"', '\n') ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;

    private static ChainWeights Weights(IReadOnlyList<EpochSettlement> settlements, string? file)
    {
        var paid = settlements.SelectMany(settlement => settlement.Payslips).GroupBy(slip => slip.Miner, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => (Miner: group.Key, Paid: group.Sum(slip => slip.Paid))).ToArray();
        if (paid.Length > ushort.MaxValue + 1)
        {
            throw new IotaException(ExitCode.Usage, $"{paid.Length} miners are more than the chain has uids");
        }

        var uids = file is null ? paid.Select((entry, index) => (entry.Miner, Uid: (ushort)index)).ToDictionary(entry => entry.Miner, entry => entry.Uid) : ReadUids(file);
        return ChainWeights.Of(paid.Select(entry => (
            uids.TryGetValue(entry.Miner, out var uid) ? uid : throw new IotaException(ExitCode.Usage, $"{file} has no uid for {entry.Miner}"), entry.Paid)));
    }

    private static Dictionary<string, ushort> ReadUids(string file)
    {
        try
        {
            var uids = new Dictionary<string, ushort>();
            foreach (var (line, number) in File.ReadAllLines(file).Select((line, index) => (line, index + 1)).Where(entry => entry.line.Length > 0))
            {
                var parts = line.Split(',');
                if (parts.Length != 2 || !ushort.TryParse(parts[1].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var uid) || !uids.TryAdd(parts[0].Trim(), uid))
                {
                    throw new IotaException(ExitCode.Usage, $"{file}, line {number}: expected 'miner,uid' with a uid from 0 to 65535, and each miner once");
                }
            }

            return uids.Values.Distinct().Count() == uids.Count ? uids : throw new IotaException(ExitCode.Usage, $"{file}: a uid belongs to two miners");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new IotaException(ExitCode.Usage, $"{file} cannot be read: {failure.Message}", failure);
        }
    }
}

/// <summary>What is exported.</summary>
internal enum RewardsFormat
{
    Json,
    Csv,
    Weights,
}
