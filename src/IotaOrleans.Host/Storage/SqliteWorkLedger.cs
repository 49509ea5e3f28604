using System.Globalization;
using IotaOrleans.Grains.Rewards;
using IotaOrleans.Protocol.Rewards;
using IotaOrleans.Protocol.Validation;
using Microsoft.Data.Sqlite;

namespace IotaOrleans.Host.Storage;

/// <summary>
/// The work ledger in a SQLite file. Each append and each settlement is one transaction: a process that ends in the middle of one leaves
/// nothing of it behind.
/// </summary>
internal sealed class SqliteWorkLedger(SqliteDataSource source) : IWorkLedger
{
    // Left to itself, SQLite takes the other index, and reads all receipts of the run for those of an epoch.
    private const string OfEpoch = "INDEXED BY ReceiptsOfEpoch";

    /// <summary>Called before each write and each commit, with what it is; for those who test what happens when there is none after it.</summary>
    internal Action<string>? BeforeWrite { get; init; }

    /// <inheritdoc />
    public Task<int> AppendAsync(IReadOnlyCollection<WorkReceipt> receipts, IReadOnlyCollection<SegmentSeal> seals, CancellationToken cancellationToken = default) => WriteAsync("receipts", (connection, transaction) =>
    {
        AddSeals(connection, transaction, seals);
        using var insert = Command(connection, transaction, """
            INSERT INTO Receipts (Run, Epoch, Kind, Number, Stage, Miner, Tokens, Input, Output, Version, Microseconds, Segment)
            VALUES ($run, $epoch, $kind, $number, $stage, $miner, $tokens, $input, $output, $version, $microseconds, $segment)
            ON CONFLICT DO NOTHING
            """);
        var open = new Dictionary<string, int>();
        var added = 0;
        foreach (var receipt in receipts)
        {
            if (!open.TryGetValue(receipt.Run, out var first))
            {
                open[receipt.Run] = first = FirstOpenEpoch(connection, transaction, receipt.Run);
            }

            BeforeWrite?.Invoke("a receipt");
            // Work that comes after its epoch was settled is finished work all the same: it counts in the next one.
            added += Execute(insert, ("$run", receipt.Run), ("$epoch", Math.Max(first, receipt.Epoch)), ("$kind", (int)receipt.Kind), ("$number", receipt.Number),
                ("$stage", receipt.Stage), ("$miner", receipt.Miner), ("$tokens", receipt.Tokens), ("$input", Blob(receipt.Input)), ("$output", Blob(receipt.Output)),
                ("$version", receipt.Version), ("$microseconds", receipt.Microseconds), ("$segment", Blob(receipt.Segment)));
        }

        return added;
    }, cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<WorkReceipt>> ReceiptsAsync(string run, int epoch, string miner, CancellationToken cancellationToken = default) => ReadAsync<IReadOnlyList<WorkReceipt>>(
        (connection, transaction) =>
        {
            using var command = Command(connection, transaction, $"""
                SELECT Kind, Number, Stage, Tokens, Input, Output, Version, Microseconds, Segment
                FROM Receipts {OfEpoch}
                WHERE Run = $run AND Epoch = $epoch AND Miner = $miner
                ORDER BY Kind, Stage, Number
                """, ("$run", run), ("$epoch", epoch), ("$miner", miner));
            using var reader = command.ExecuteReader();
            var receipts = new List<WorkReceipt>();
            while (reader.Read())
            {
                receipts.Add(new WorkReceipt
                {
                    Run = run,
                    Epoch = epoch,
                    Kind = (ReceiptKind)reader.GetInt32(0),
                    Number = reader.GetInt64(1),
                    Stage = reader.GetInt32(2),
                    Miner = miner,
                    Tokens = reader.GetInt64(3),
                    Input = Hash(reader, 4),
                    Output = Hash(reader, 5),
                    Version = reader.GetInt64(6),
                    Microseconds = reader.GetInt32(7),
                    Segment = Hash(reader, 8),
                });
            }

            return receipts;
        },
        cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<string>> MinersAsync(string run, int epoch, CancellationToken cancellationToken = default) => ReadAsync<IReadOnlyList<string>>(
        (connection, transaction) =>
        {
            using var command = Command(connection, transaction, $"SELECT DISTINCT Miner FROM Receipts {OfEpoch} WHERE Run = $run AND Epoch = $epoch", ("$run", run), ("$epoch", epoch));
            using var reader = command.ExecuteReader();
            var miners = new List<string>();
            while (reader.Read())
            {
                miners.Add(reader.GetString(0));
            }

            miners.Sort(StringComparer.Ordinal);
            return miners;
        },
        cancellationToken);

    /// <inheritdoc />
    public Task<SegmentSeal?> FindSealAsync(UInt128 segment, CancellationToken cancellationToken = default) => ReadAsync(
        (connection, transaction) =>
        {
            using var command = Command(connection, transaction, "SELECT Hash, PublicKey, Signature FROM Segments WHERE Name = $name", ("$name", Blob(segment)));
            using var reader = command.ExecuteReader();
            return reader.Read() ? new SegmentSeal([.. (byte[])reader[0]], [.. (byte[])reader[1]], [.. (byte[])reader[2]]) : null;
        },
        cancellationToken);

    /// <inheritdoc />
    public Task PenaliseAsync(Penalty penalty, CancellationToken cancellationToken = default) => WriteAsync("a penalty", (connection, transaction) =>
    {
        var first = Math.Max(penalty.First, FirstOpenEpoch(connection, transaction, penalty.Run));
        using var insert = Command(connection, transaction, """
            INSERT INTO Penalties (Run, Miner, FirstEpoch, UntilEpoch, Reason) VALUES ($run, $miner, $first, $until, $reason)
            ON CONFLICT DO NOTHING
            """);
        return Execute(insert, ("$run", penalty.Run), ("$miner", penalty.Miner), ("$first", first), ("$until", penalty.Until), ("$reason", penalty.Reason));
    }, cancellationToken);

    /// <inheritdoc />
    public Task<EpochSettlement> SettleAsync(string run, int epoch, RewardPolicy policy, DateTimeOffset at, CancellationToken cancellationToken = default) =>
        WriteAsync("a settlement", (connection, transaction) =>
        {
            if (Find(connection, transaction, run, epoch) is { } settled)
            {
                return settled.Settlement;
            }

            var settlement = Settlement.Settle(run, epoch, policy, Claims(connection, transaction, run, epoch, policy.Window), at);
            using var payout = Command(connection, transaction, """
                INSERT INTO Payouts (Run, Epoch, Stage, Miner, BackwardPasses, Tokens, Paid, Reason) VALUES ($run, $epoch, $stage, $miner, $passes, $tokens, $paid, $reason)
                """);
            foreach (var slip in settlement.Payslips)
            {
                BeforeWrite?.Invoke("a payout");
                Execute(payout, ("$run", run), ("$epoch", epoch), ("$stage", slip.Stage), ("$miner", slip.Miner), ("$passes", slip.BackwardPasses),
                    ("$tokens", slip.Tokens), ("$paid", slip.Paid), ("$reason", slip.Reason));
            }

            using var close = Command(connection, transaction, """
                INSERT INTO Settlements (Run, Epoch, Emission, Burned, Burn, LargestShare, Window, ClosedAt) VALUES ($run, $epoch, $emission, $burned, $burn, $largest, $window, $at)
                """);
            BeforeWrite?.Invoke("the settlement");
            Execute(close, ("$run", run), ("$epoch", epoch), ("$emission", policy.Emission), ("$burned", settlement.Burned), ("$burn", policy.Burn),
                ("$largest", policy.LargestShare), ("$window", policy.Window), ("$at", at.ToString("O", CultureInfo.InvariantCulture)));
            return settlement;
        }, cancellationToken);

    /// <inheritdoc />
    public Task<EpochSettlement?> FindAsync(string run, int epoch, CancellationToken cancellationToken = default) =>
        ReadAsync((connection, transaction) => Find(connection, transaction, run, epoch)?.Settlement, cancellationToken);

    /// <inheritdoc />
    public Task<EpochSettlement?> RecomputeAsync(string run, int epoch, CancellationToken cancellationToken = default) => ReadAsync(
        (connection, transaction) => Find(connection, transaction, run, epoch) is { } settled
            ? Settlement.Settle(run, epoch, settled.Policy, Claims(connection, transaction, run, epoch, settled.Policy.Window), settled.Settlement.ClosedAt)
            : null,
        cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<int>> ListAsync(string run, CancellationToken cancellationToken = default) => ReadAsync<IReadOnlyList<int>>(
        (connection, transaction) =>
        {
            using var command = Command(connection, transaction, "SELECT Epoch FROM Settlements WHERE Run = $run ORDER BY Epoch", ("$run", run));
            using var reader = command.ExecuteReader();
            var epochs = new List<int>();
            while (reader.Read())
            {
                epochs.Add(reader.GetInt32(0));
            }

            return epochs;
        },
        cancellationToken);

    private void AddSeals(SqliteConnection connection, SqliteTransaction transaction, IReadOnlyCollection<SegmentSeal> seals)
    {
        using var insert = Command(connection, transaction, """
            INSERT INTO Segments (Name, Hash, PublicKey, Signature) VALUES ($name, $hash, $key, $signature)
            ON CONFLICT DO NOTHING
            """);
        foreach (var seal in seals)
        {
            BeforeWrite?.Invoke("a seal");
            byte[] hash = [.. seal.Hash];
            Execute(insert, ("$name", Blob(SegmentHash.Short(hash))), ("$hash", hash), ("$key", seal.PublicKey.ToArray()), ("$signature", seal.Signature.ToArray()));
        }
    }

    private static object Blob(UInt128 hash) => (object?)StoredHash.ToBytes(hash) ?? DBNull.Value;

    private static UInt128 Hash(SqliteDataReader reader, int column) => StoredHash.FromBytes(reader.IsDBNull(column) ? null : (byte[])reader[column]);

    private static int FirstOpenEpoch(SqliteConnection connection, SqliteTransaction transaction, string run)
    {
        using var command = Command(connection, transaction, "SELECT IFNULL(MAX(Epoch) + 1, 0) FROM Settlements WHERE Run = $run", ("$run", run));
        return Convert.ToInt32(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static IEnumerable<RewardClaim> Claims(SqliteConnection connection, SqliteTransaction transaction, string run, int epoch, int window)
    {
        var penalties = Penalties(connection, transaction, run, epoch);
        using var command = Command(connection, transaction, $"""
            SELECT Miner, Stage, SUM(Epoch = $epoch), SUM(CASE Epoch WHEN $epoch THEN Tokens ELSE 0 END), SUM(Epoch < $epoch)
            FROM Receipts {OfEpoch}
            WHERE Run = $run AND Epoch BETWEEN $first AND $epoch AND Kind = $kind
            GROUP BY Miner, Stage
            """, ("$run", run), ("$epoch", epoch), ("$first", epoch - window + 1), ("$kind", (int)ReceiptKind.Backward));
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            var miner = reader.GetString(0);
            yield return new RewardClaim(miner, reader.GetInt32(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), penalties.GetValueOrDefault(miner));
        }
    }

    private static Dictionary<string, string> Penalties(SqliteConnection connection, SqliteTransaction transaction, string run, int epoch)
    {
        using var command = Command(connection, transaction, """
            SELECT Miner, Reason FROM Penalties WHERE Run = $run AND FirstEpoch <= $epoch AND $epoch < UntilEpoch ORDER BY FirstEpoch, Reason
            """, ("$run", run), ("$epoch", epoch));
        using var reader = command.ExecuteReader();
        var penalties = new Dictionary<string, string>();
        while (reader.Read())
        {
            penalties.TryAdd(reader.GetString(0), reader.GetString(1));
        }

        return penalties;
    }

    private static (RewardPolicy Policy, EpochSettlement Settlement)? Find(SqliteConnection connection, SqliteTransaction transaction, string run, int epoch)
    {
        using var command = Command(connection, transaction, """
            SELECT Emission, Burned, Burn, LargestShare, Window, ClosedAt FROM Settlements WHERE Run = $run AND Epoch = $epoch
            """, ("$run", run), ("$epoch", epoch));
        using var reader = command.ExecuteReader();
        if (!reader.Read())
        {
            return null;
        }

        var policy = new RewardPolicy { Emission = reader.GetInt64(0), Burn = reader.GetInt32(2), LargestShare = reader.GetInt32(3), Window = reader.GetInt32(4) };
        var at = DateTimeOffset.Parse(reader.GetString(5), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);
        return (policy, new EpochSettlement(run, epoch, policy.Emission, reader.GetInt64(1), [.. Payslips(connection, transaction, run, epoch)], at));
    }

    private static IEnumerable<Payslip> Payslips(SqliteConnection connection, SqliteTransaction transaction, string run, int epoch)
    {
        using var command = Command(connection, transaction, """
            SELECT Miner, Stage, BackwardPasses, Tokens, Paid, Reason FROM Payouts WHERE Run = $run AND Epoch = $epoch ORDER BY Stage, Miner
            """, ("$run", run), ("$epoch", epoch));
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            yield return new Payslip(reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetString(5));
        }
    }

    private static SqliteCommand Command(SqliteConnection connection, SqliteTransaction transaction, string text, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = connection.CreateCommand();
        (command.CommandText, command.Transaction) = (text, transaction);
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return command;
    }

    /// <summary>Runs a statement again with other values.</summary>
    private static int Execute(SqliteCommand command, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        if (command.Parameters.Count == 0)
        {
            foreach (var (name, value) in parameters)
            {
                command.Parameters.AddWithValue(name, value);
            }

            command.Prepare();
        }
        else
        {
            for (var i = 0; i < parameters.Length; i++)
            {
                command.Parameters[i].Value = parameters[i].Value;
            }
        }

        return command.ExecuteNonQuery();
    }

    private Task<T> ReadAsync<T>(Func<SqliteConnection, SqliteTransaction, T> read, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            using var connection = (SqliteConnection)source.OpenConnection();
            // What is read belongs together: a settlement in between is seen whole or not at all.
            using var transaction = connection.BeginTransaction(deferred: true);
            return read(connection, transaction);
        },
        cancellationToken);

    /// <summary>The driver is synchronous: the caller, a grain's turn, must not be held while it works or waits for another writer.</summary>
    private Task<T> WriteAsync<T>(string what, Func<SqliteConnection, SqliteTransaction, T> write, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            using var connection = (SqliteConnection)source.OpenConnection();
            using var transaction = connection.BeginTransaction();
            var result = write(connection, transaction);
            BeforeWrite?.Invoke($"the commit of {what}");
            transaction.Commit();
            return result;
        },
        cancellationToken);
}
