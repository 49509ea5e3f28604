using System.Diagnostics;
using System.Globalization;
using IotaOrleans.Host.Storage;
using IotaOrleans.Tests;
using Microsoft.Data.Sqlite;

namespace IotaOrleans.ClusterTests.Ledger;

/// <summary>A settlement is killed, with SIGKILL and as a process of its own, before each of its writes in turn; then another process goes on.</summary>
public sealed class KilledSettlementTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task No_acknowledged_receipt_is_lost_and_nobody_is_paid_twice_wherever_the_process_dies()
    {
        var points = new List<string>();
        for (var write = 1; ; write++)
        {
            var path = _folder.File($"{write}.db");
            var first = await RunAsync(path, write);
            var killed = first.FirstOrDefault(line => line.StartsWith("killed", StringComparison.Ordinal));
            if (killed is not null)
            {
                points.Add(killed["killed before ".Length..]);
            }

            var acknowledged = first.Where(line => line.StartsWith("acknowledged", StringComparison.Ordinal))
                .SelectMany(line => SettlementProcess.Batch(int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture)).Select(receipt => receipt.Number)).ToArray();
            acknowledged.Except(Numbers(path)).Should().BeEmpty($"write {write}");
            Count(path, "Settlements").Should().BeOneOf([0L, 1L]);

            var second = await RunAsync(path, lastWrite: 0);

            second[^1].Should().Be($"settled {SettlementProcess.Emission}", $"write {write}");
            Numbers(path).Should().BeEquivalentTo(Enumerable.Range(0, SettlementProcess.Batches * SettlementProcess.BatchSize).Select(number => (long)number));
            Count(path, "Settlements").Should().Be(1);
            Count(path, "Payouts").Should().Be(3);
            Scalar(path, "SELECT SUM(Paid) FROM Payouts").Should().Be(SettlementProcess.Emission);
            if (killed is null)
            {
                break;
            }
        }

        // Twelve receipts and three payouts, one by one, and every commit.
        points.Distinct().Should().BeEquivalentTo("a receipt", "the commit of receipts", "a payout", "the settlement", "the commit of a settlement");
        points.Should().HaveCount((SettlementProcess.Batches * (SettlementProcess.BatchSize + 1)) + 3 + 2);
    }

    private static async Task<string[]> RunAsync(string path, int lastWrite)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(SettlementProcess).Assembly.Location, SettlementProcess.Name, path, lastWrite.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
        })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.Should().Be(output.Contains("killed", StringComparison.Ordinal) ? 128 + 9 : 0, output);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static List<long> Numbers(string path)
    {
        using var connection = Open(path);
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT Number FROM Receipts";
        using var reader = command.ExecuteReader();
        var numbers = new List<long>();
        while (reader.Read())
        {
            numbers.Add(reader.GetInt64(0));
        }

        return numbers;
    }

    private static long Count(string path, string table) => Scalar(path, $"SELECT COUNT(*) FROM {table}");

    private static long Scalar(string path, string query)
    {
        using var connection = Open(path);
        using var command = connection.CreateCommand();
        command.CommandText = query;
        return (long)command.ExecuteScalar()!;
    }

    private static SqliteConnection Open(string path)
    {
        // The file may not be there yet: the process may have died before its first write.
        new SqliteDatabase(path).Create();
        var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        return connection;
    }
}
