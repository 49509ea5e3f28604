using IotaOrleans.Grains.Views;
using IotaOrleans.Host.Progress;
using Npgsql;
using NpgsqlTypes;

namespace IotaOrleans.Host.Storage;

/// <summary>The journal of decisions in PostgreSQL, each batch one statement.</summary>
internal sealed class PostgresRunJournal(NpgsqlDataSource source) : IRunJournal
{
    /// <inheritdoc />
    public async Task AppendAsync(string run, IReadOnlyCollection<RunEvent> events, CancellationToken cancellationToken = default)
    {
        await using var insert = source.CreateCommand("""
            INSERT INTO Events (Run, Number, Step, Event)
            SELECT $1, event.Number, event.Step, event.Event FROM unnest($2, $3, $4) AS event (Number, Step, Event)
            ON CONFLICT DO NOTHING
            """);
        insert.Parameters.AddWithValue(run);
        insert.Parameters.Add(new NpgsqlParameter { Value = events.Select(happened => happened.Number).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        insert.Parameters.Add(new NpgsqlParameter { Value = events.Select(happened => happened.Step).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        insert.Parameters.Add(new NpgsqlParameter { Value = events.Select(RunEventJson.Line).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<RunEvent>> ReadAsync(string run, CancellationToken cancellationToken = default)
    {
        await using var command = source.CreateCommand("SELECT Number, Event FROM Events WHERE Run = $1 ORDER BY Number");
        command.Parameters.AddWithValue(run);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var events = new List<RunEvent>();
        while (await reader.ReadAsync(cancellationToken))
        {
            events.Add(RunEventJson.Read(reader.GetInt64(0), reader.GetString(1)));
        }

        return events;
    }
}
