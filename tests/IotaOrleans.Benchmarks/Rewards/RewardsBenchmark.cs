using System.Buffers.Binary;
using System.CommandLine;
using System.Diagnostics;
using System.Security.Cryptography;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Host.Storage;
using IotaOrleans.Protocol.Validation;

namespace IotaOrleans.Benchmarks.Rewards;

/// <summary>How long an epoch of very many receipts takes to settle, and whether twice as many take about twice as long.</summary>
internal static class RewardsBenchmark
{
    private const double MostSeconds = 20;
    private const double MostBytes = 1e9;
    private const double LargestGrowth = 2.2;
    private const int BatchSize = 10_000;
    private const int StageCount = 8;
    private const long Emission = 1_000_000_007;

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var receipts = new Option<int>("--receipts") { Description = "Receipts of the smaller epoch; the other has twice as many", DefaultValueFactory = _ => 1_000_000 };
        var miners = new Option<int>("--miners") { Description = "Miners that they belong to", DefaultValueFactory = _ => 100_000 };
        var command = new Command("rewards", "Settling an epoch of very many receipts") { json, receipts, miners };
        command.SetAction(async (parsed, _) =>
        {
            var results = await MeasureAsync(parsed.GetValue(receipts), parsed.GetValue(miners));
            Comparison.Print(results, parsed.GetValue(json));
            return results.All(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    public static async Task<IReadOnlyList<Comparison>> MeasureAsync(int receipts, int miners)
    {
        var once = await SettleAsync(receipts, miners);
        var twice = await SettleAsync(2 * receipts, miners);
        return
        [
            Comparison.Of($"settle {receipts:N0} receipts of {miners:N0} miners", "s", "appending them", null, [once.Settle], [once.Append]) with { Limit = MostSeconds },
            Comparison.Of($"settle {2 * receipts:N0} receipts", "s", "half as many", null, [twice.Settle], [once.Settle]) with { LargestRatio = LargestGrowth },
            Comparison.Of("resident memory, at most", "B", "of the smaller epoch", null, [twice.Resident], [once.Resident]) with { Limit = MostBytes },
            Comparison.Of("units paid and burned", "units", "the emission", null, [once.Accounted], [Emission]) with { Tolerance = 0 },
        ];
    }

    private static async Task<Figures> SettleAsync(int receipts, int miners)
    {
        var folder = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var database = new SqliteDatabase(Path.Combine(folder.FullName, "state.db"));
            database.Create();
            var ledger = new SqliteWorkLedger(database.DataSource);
            var random = new Random(11);
            var start = Stopwatch.GetTimestamp();
            for (var first = 0; first < receipts; first += BatchSize)
            {
                var batch = Enumerable.Range(first, Math.Min(BatchSize, receipts - first)).Select(number => Receipt(number, random.Next(miners))).ToArray();
                await ledger.AppendAsync(batch, [.. batch.Select(receipt => receipt.Segment).Distinct().Select(Seal)]);
            }

            var append = Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            var settlement = await ledger.SettleAsync("run", 0, new RewardPolicy { Emission = Emission }, DateTimeOffset.UnixEpoch);
            var settle = Stopwatch.GetElapsedTime(start).TotalSeconds;
            using var process = Process.GetCurrentProcess();
            await Console.Error.WriteLineAsync($"{receipts:N0} receipts: appended in {append:0.0} s, settled in {settle:0.0} s, {process.PeakWorkingSet64 / 1e6:N0} MB");
            return new Figures(append, settle, process.PeakWorkingSet64, settlement.Payslips.Sum(slip => slip.Paid) + settlement.Burned);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Passes that a miner signs at once, by default.
    private const int SegmentSize = 8;

    private static WorkReceipt Receipt(int number, int miner) => new()
    {
        Run = "run",
        Epoch = 0,
        Kind = ReceiptKind.Backward,
        Number = number / StageCount,
        Stage = number % StageCount,
        Miner = $"miner-{miner}",
        Tokens = 768,
        Input = Hash(number),
        Output = Hash(-number - 1),
        Version = number / 1000,
        Microseconds = 10_000,
        Segment = Hash(number / SegmentSize),
    };

    // As if it was signed: as many bytes, as evenly spread.
    private static SegmentSeal Seal(UInt128 name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt128LittleEndian(hash, name);
        return new SegmentSeal([.. hash], [.. new byte[91]], [.. hash, .. hash]);
    }

    private static UInt128 Hash(int number)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(BitConverter.GetBytes(number), hash);
        return SegmentHash.Short(hash);
    }

    private sealed record Figures(double Append, double Settle, double Resident, double Accounted);
}
