using System.Diagnostics;
using IotaOrleans.Host.Storage;

namespace IotaOrleans.ClusterTests.Ledger;

/// <summary>A process that appends receipts and settles them, and that is killed before one of its writes: see <see cref="KilledSettlementTests"/>.</summary>
internal static class SettlementProcess
{
    public const string Name = "settle";
    public const int Batches = 3;
    public const int BatchSize = 4;
    public const long Emission = 1_001;

    public static WorkReceipt[] Batch(int batch) => [.. Enumerable.Range(batch * BatchSize, BatchSize).Select(number => new WorkReceipt
    {
        Run = "run",
        Epoch = 0,
        Kind = ReceiptKind.Backward,
        Number = number,
        Stage = 0,
        Miner = $"miner-{number % 3}",
        Tokens = 10,
    })];

    /// <summary>Prints a line for every append that was acknowledged, and one when the epoch is settled.</summary>
    /// <param name="arguments">The database, and the number of the write before which the process kills itself; none when it is zero.</param>
    public static async Task RunAsync(string[] arguments)
    {
        var (path, last) = (arguments[0], int.Parse(arguments[1], System.Globalization.CultureInfo.InvariantCulture));
        var database = new SqliteDatabase(path);
        database.Create();
        var writes = 0;
        var ledger = new SqliteWorkLedger(database.DataSource)
        {
            BeforeWrite = what =>
            {
                if (++writes == last)
                {
                    Console.Out.WriteLine($"killed before {what}");
                    Console.Out.Flush();
                    Process.GetCurrentProcess().Kill();
                    Thread.Sleep(Timeout.Infinite);
                }
            },
        };
        for (var batch = 0; batch < Batches; batch++)
        {
            await ledger.AppendAsync(Batch(batch), []);
            Console.Out.WriteLine($"acknowledged {batch}");
        }

        var settlement = await ledger.SettleAsync("run", 0, new RewardPolicy { Emission = Emission }, DateTimeOffset.UnixEpoch);
        Console.Out.WriteLine($"settled {settlement.Payslips.Sum(slip => slip.Paid)}");
    }
}
