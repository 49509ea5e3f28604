using System.Data;
using System.Globalization;
using IotaOrleans.Grains.Rewards;
using IotaOrleans.Protocol.Rewards;
using IotaOrleans.Protocol.Validation;
using Npgsql;
using NpgsqlTypes;

namespace IotaOrleans.Host.Storage;

/// <summary>
/// The work ledger in PostgreSQL. Each append and each settlement is one transaction. Appends to a run go side by side; what closes an epoch,
/// or punishes from an epoch on, waits for them and they for it, so that no receipt gets into an epoch that is being settled.
/// </summary>
internal sealed class PostgresWorkLedger(NpgsqlDataSource source) : IWorkLedger
{
    /// <inheritdoc />
    public Task<int> AppendAsync(IReadOnlyCollection<WorkReceipt> receipts, IReadOnlyCollection<SegmentSeal> seals, CancellationToken cancellationToken = default) => WriteAsync(
        async connection =>
        {
            await AddSealsAsync(connection, seals, cancellationToken);
            if (receipts.Count == 0)
            {
                return 0;
            }

            foreach (var run in receipts.Select(receipt => receipt.Run).Distinct().Order(StringComparer.Ordinal))
            {
                await LockAsync(connection, run, shared: true, cancellationToken);
            }

            // Work that comes after its epoch was settled is finished work all the same: it counts in the next one. Whoever comes first has the
            // unit; the order is the same for all who append, so that none waits for one who waits for it.
            await using var insert = Command(connection, """
                INSERT INTO Receipts (Run, Epoch, Kind, Number, Stage, Miner, Tokens, Input, Output, Version, Microseconds, Segment)
                SELECT receipt.Run, GREATEST(receipt.Epoch, COALESCE((SELECT MAX(settled.Epoch) + 1 FROM Settlements AS settled WHERE settled.Run = receipt.Run), 0)),
                  receipt.Kind, receipt.Number, receipt.Stage, receipt.Miner, receipt.Tokens, receipt.Input, receipt.Output, receipt.Version, receipt.Microseconds, receipt.Segment
                FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) WITH ORDINALITY
                  AS receipt (Run, Epoch, Kind, Number, Stage, Miner, Tokens, Input, Output, Version, Microseconds, Segment, Position)
                ORDER BY receipt.Run, receipt.Kind, receipt.Number, receipt.Stage, CASE WHEN receipt.Kind < 2 THEN '' ELSE receipt.Miner END, receipt.Position
                ON CONFLICT DO NOTHING
                """);
            Add(insert, receipts, NpgsqlDbType.Text, receipt => receipt.Run);
            Add(insert, receipts, NpgsqlDbType.Integer, receipt => receipt.Epoch);
            Add(insert, receipts, NpgsqlDbType.Integer, receipt => (int)receipt.Kind);
            Add(insert, receipts, NpgsqlDbType.Bigint, receipt => receipt.Number);
            Add(insert, receipts, NpgsqlDbType.Integer, receipt => receipt.Stage);
            Add(insert, receipts, NpgsqlDbType.Text, receipt => receipt.Miner);
            Add(insert, receipts, NpgsqlDbType.Bigint, receipt => receipt.Tokens);
            Add(insert, receipts, NpgsqlDbType.Bytea, receipt => StoredHash.ToBytes(receipt.Input));
            Add(insert, receipts, NpgsqlDbType.Bytea, receipt => StoredHash.ToBytes(receipt.Output));
            Add(insert, receipts, NpgsqlDbType.Bigint, receipt => receipt.Version);
            Add(insert, receipts, NpgsqlDbType.Integer, receipt => receipt.Microseconds);
            Add(insert, receipts, NpgsqlDbType.Bytea, receipt => StoredHash.ToBytes(receipt.Segment));
            return await insert.ExecuteNonQueryAsync(cancellationToken);
        },
        cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<WorkReceipt>> ReceiptsAsync(string run, int epoch, string miner, CancellationToken cancellationToken = default) => ReadAsync<IReadOnlyList<WorkReceipt>>(
        async connection =>
        {
            await using var command = Command(connection, """
                SELECT Kind, Number, Stage, Tokens, Input, Output, Version, Microseconds, Segment
                FROM Receipts
                WHERE Run = $1 AND Epoch = $2 AND Miner = $3
                ORDER BY Kind, Stage, Number
                """, run, epoch, miner);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var receipts = new List<WorkReceipt>();
            while (await reader.ReadAsync(cancellationToken))
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
        async connection =>
        {
            await using var command = Command(connection, "SELECT DISTINCT Miner FROM Receipts WHERE Run = $1 AND Epoch = $2", run, epoch);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var miners = new List<string>();
            while (await reader.ReadAsync(cancellationToken))
            {
                miners.Add(reader.GetString(0));
            }

            miners.Sort(StringComparer.Ordinal);
            return miners;
        },
        cancellationToken);

    /// <inheritdoc />
    public Task<SegmentSeal?> FindSealAsync(UInt128 segment, CancellationToken cancellationToken = default) => ReadAsync<SegmentSeal?>(
        async connection =>
        {
            await using var command = Command(connection, "SELECT Hash, PublicKey, Signature FROM Segments WHERE Name = $1", StoredHash.ToBytes(segment) ?? []);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken)
                ? new SegmentSeal([.. reader.GetFieldValue<byte[]>(0)], [.. reader.GetFieldValue<byte[]>(1)], [.. reader.GetFieldValue<byte[]>(2)])
                : null;
        },
        cancellationToken);

    /// <inheritdoc />
    public Task PenaliseAsync(Penalty penalty, CancellationToken cancellationToken = default) => WriteAsync(
        async connection =>
        {
            await LockAsync(connection, penalty.Run, shared: false, cancellationToken);
            await using var insert = Command(connection, """
                INSERT INTO Penalties (Run, Miner, FirstEpoch, UntilEpoch, Reason)
                SELECT $1, $2, GREATEST($3, COALESCE((SELECT MAX(Epoch) + 1 FROM Settlements WHERE Run = $1), 0)), $4, $5
                ON CONFLICT DO NOTHING
                """, penalty.Run, penalty.Miner, penalty.First, penalty.Until, penalty.Reason);
            return await insert.ExecuteNonQueryAsync(cancellationToken);
        },
        cancellationToken);

    /// <inheritdoc />
    public Task<EpochSettlement> SettleAsync(string run, int epoch, RewardPolicy policy, DateTimeOffset at, CancellationToken cancellationToken = default) => WriteAsync(
        async connection =>
        {
            await LockAsync(connection, run, shared: false, cancellationToken);
            if (await FindAsync(connection, run, epoch, cancellationToken) is { } settled)
            {
                return settled.Settlement;
            }

            var settlement = Settlement.Settle(run, epoch, policy, await ClaimsAsync(connection, run, epoch, policy.Window, cancellationToken), at);
            await using var pay = Command(connection, """
                INSERT INTO Payouts (Run, Epoch, Stage, Miner, BackwardPasses, Tokens, Paid, Reason)
                SELECT $1, $2, slip.* FROM unnest($3, $4, $5, $6, $7, $8) AS slip
                """, run, epoch);
            Add(pay, settlement.Payslips, NpgsqlDbType.Integer, slip => slip.Stage);
            Add(pay, settlement.Payslips, NpgsqlDbType.Text, slip => slip.Miner);
            Add(pay, settlement.Payslips, NpgsqlDbType.Bigint, slip => slip.BackwardPasses);
            Add(pay, settlement.Payslips, NpgsqlDbType.Bigint, slip => slip.Tokens);
            Add(pay, settlement.Payslips, NpgsqlDbType.Bigint, slip => slip.Paid);
            Add(pay, settlement.Payslips, NpgsqlDbType.Text, slip => slip.Reason);
            await pay.ExecuteNonQueryAsync(cancellationToken);
            await using var close = Command(connection, """
                INSERT INTO Settlements (Run, Epoch, Emission, Burned, Burn, LargestShare, EpochsCounted, ClosedAt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                """, run, epoch, policy.Emission, settlement.Burned, policy.Burn, policy.LargestShare, policy.Window, at.ToString("O", CultureInfo.InvariantCulture));
            await close.ExecuteNonQueryAsync(cancellationToken);
            return settlement;
        },
        cancellationToken);

    /// <inheritdoc />
    public Task<EpochSettlement?> FindAsync(string run, int epoch, CancellationToken cancellationToken = default) =>
        ReadAsync(async connection => (await FindAsync(connection, run, epoch, cancellationToken))?.Settlement, cancellationToken);

    /// <inheritdoc />
    public Task<EpochSettlement?> RecomputeAsync(string run, int epoch, CancellationToken cancellationToken = default) => ReadAsync(
        async connection => await FindAsync(connection, run, epoch, cancellationToken) is { } settled
            ? Settlement.Settle(run, epoch, settled.Policy, await ClaimsAsync(connection, run, epoch, settled.Policy.Window, cancellationToken), settled.Settlement.ClosedAt)
            : null,
        cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<int>> ListAsync(string run, CancellationToken cancellationToken = default) => ReadAsync<IReadOnlyList<int>>(
        async connection =>
        {
            await using var command = Command(connection, "SELECT Epoch FROM Settlements WHERE Run = $1 ORDER BY Epoch", run);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var epochs = new List<int>();
            while (await reader.ReadAsync(cancellationToken))
            {
                epochs.Add(reader.GetInt32(0));
            }

            return epochs;
        },
        cancellationToken);

    /// <summary>The run that was settled last, or null when none was.</summary>
    public Task<string?> FindNewestRunAsync(CancellationToken cancellationToken = default) => ReadAsync(
        async connection =>
        {
            await using var command = Command(connection, "SELECT Run FROM Settlements ORDER BY ClosedAt::timestamptz DESC LIMIT 1");
            return (string?)await command.ExecuteScalarAsync(cancellationToken);
        },
        cancellationToken);

    private static async Task AddSealsAsync(NpgsqlConnection connection, IReadOnlyCollection<SegmentSeal> seals, CancellationToken cancellationToken)
    {
        if (seals.Count == 0)
        {
            return;
        }

        await using var insert = Command(connection, """
            INSERT INTO Segments (Name, Hash, PublicKey, Signature)
            SELECT seal.* FROM unnest($1, $2, $3, $4) AS seal (Name, Hash, PublicKey, Signature) ORDER BY seal.Name
            ON CONFLICT DO NOTHING
            """);
        Add(insert, seals, NpgsqlDbType.Bytea, seal => StoredHash.ToBytes(SegmentHash.Short(seal.Hash.AsSpan())));
        Add(insert, seals, NpgsqlDbType.Bytea, seal => seal.Hash.ToArray());
        Add(insert, seals, NpgsqlDbType.Bytea, seal => seal.PublicKey.ToArray());
        Add(insert, seals, NpgsqlDbType.Bytea, seal => seal.Signature.ToArray());
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Until the end of the transaction. What is read afterwards is as those left it who held the lock before.</summary>
    private static async Task LockAsync(NpgsqlConnection connection, string run, bool shared, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, $"SELECT pg_advisory_xact_lock{(shared ? "_shared" : "")}(hashtextextended('iota ledger of ' || $1, 0))", run);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<IReadOnlyList<RewardClaim>> ClaimsAsync(NpgsqlConnection connection, string run, int epoch, int window, CancellationToken cancellationToken)
    {
        var penalties = await PenaltiesAsync(connection, run, epoch, cancellationToken);
        await using var command = Command(connection, """
            SELECT Miner, Stage, COUNT(*) FILTER (WHERE Epoch = $2), COALESCE(SUM(Tokens) FILTER (WHERE Epoch = $2), 0)::bigint, COUNT(*) FILTER (WHERE Epoch < $2)
            FROM Receipts
            WHERE Run = $1 AND Epoch BETWEEN $3 AND $2 AND Kind = $4
            GROUP BY Miner, Stage
            """, run, epoch, epoch - window + 1, (int)ReceiptKind.Backward);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var claims = new List<RewardClaim>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var miner = reader.GetString(0);
            claims.Add(new RewardClaim(miner, reader.GetInt32(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), penalties.GetValueOrDefault(miner)));
        }

        return claims;
    }

    private static async Task<Dictionary<string, string>> PenaltiesAsync(NpgsqlConnection connection, string run, int epoch, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, """
            SELECT Miner, Reason FROM Penalties WHERE Run = $1 AND FirstEpoch <= $2 AND $2 < UntilEpoch ORDER BY FirstEpoch, Reason COLLATE "C"
            """, run, epoch);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var penalties = new Dictionary<string, string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            penalties.TryAdd(reader.GetString(0), reader.GetString(1));
        }

        return penalties;
    }

    private static async Task<(RewardPolicy Policy, EpochSettlement Settlement)?> FindAsync(NpgsqlConnection connection, string run, int epoch, CancellationToken cancellationToken)
    {
        RewardPolicy policy;
        long burned;
        DateTimeOffset at;
        await using (var command = Command(connection, "SELECT Emission, Burned, Burn, LargestShare, EpochsCounted, ClosedAt FROM Settlements WHERE Run = $1 AND Epoch = $2", run, epoch))
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            if (!await reader.ReadAsync(cancellationToken))
            {
                return null;
            }

            policy = new RewardPolicy { Emission = reader.GetInt64(0), Burn = reader.GetInt32(2), LargestShare = reader.GetInt32(3), Window = reader.GetInt32(4) };
            burned = reader.GetInt64(1);
            at = DateTimeOffset.Parse(reader.GetString(5), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);
        }

        return (policy, new EpochSettlement(run, epoch, policy.Emission, burned, [.. await PayslipsAsync(connection, run, epoch, cancellationToken)], at));
    }

    private static async Task<IReadOnlyList<Payslip>> PayslipsAsync(NpgsqlConnection connection, string run, int epoch, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, """
            SELECT Miner, Stage, BackwardPasses, Tokens, Paid, Reason FROM Payouts WHERE Run = $1 AND Epoch = $2 ORDER BY Stage, Miner COLLATE "C"
            """, run, epoch);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var slips = new List<Payslip>();
        while (await reader.ReadAsync(cancellationToken))
        {
            slips.Add(new Payslip(reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetString(5)));
        }

        return slips;
    }

    private static UInt128 Hash(NpgsqlDataReader reader, int column) => StoredHash.FromBytes(reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column));

    private static NpgsqlCommand Command(NpgsqlConnection connection, string text, params ReadOnlySpan<object> values)
    {
        var command = new NpgsqlCommand(text, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }

    /// <summary>Adds a column of many rows as one parameter.</summary>
    private static void Add<TRow, TValue>(NpgsqlCommand command, IReadOnlyCollection<TRow> rows, NpgsqlDbType type, Func<TRow, TValue> value) =>
        command.Parameters.Add(new NpgsqlParameter { Value = rows.Select(value).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type });

    /// <summary>What is read belongs together: a settlement in between is seen whole or not at all.</summary>
    private async Task<T> ReadAsync<T>(Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        return await read(connection);
    }

    private async Task<T> WriteAsync<T>(Func<NpgsqlConnection, Task<T>> write, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        var result = await write(connection);
        await transaction.CommitAsync(cancellationToken);
        return result;
    }
}
