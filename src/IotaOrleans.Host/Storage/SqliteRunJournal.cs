using IotaOrleans.Grains.Views;
using IotaOrleans.Host.Progress;
using Microsoft.Data.Sqlite;

namespace IotaOrleans.Host.Storage;

/// <summary>The journal of decisions in a SQLite file, each batch in one transaction.</summary>
internal sealed class SqliteRunJournal(SqliteDataSource source) : IRunJournal
{
    /// <inheritdoc />
    public Task AppendAsync(string run, IReadOnlyCollection<RunEvent> events, CancellationToken cancellationToken = default) => Task.Run(
        () =>
        {
            using var connection = (SqliteConnection)source.OpenConnection();
            using var transaction = connection.BeginTransaction();
            using var insert = connection.CreateCommand();
            (insert.CommandText, insert.Transaction) = ("INSERT INTO Events (Run, Number, Step, Event) VALUES ($run, $number, $step, $event) ON CONFLICT DO NOTHING", transaction);
            insert.Parameters.AddWithValue("$run", run);
            var (number, step, text) = (insert.Parameters.AddWithValue("$number", 0L), insert.Parameters.AddWithValue("$step", 0L), insert.Parameters.AddWithValue("$event", ""));
            foreach (var happened in events)
            {
                (number.Value, step.Value, text.Value) = (happened.Number, happened.Step, RunEventJson.Line(happened));
                insert.ExecuteNonQuery();
            }

            transaction.Commit();
        },
        cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<RunEvent>> ReadAsync(string run, CancellationToken cancellationToken = default) => Task.Run<IReadOnlyList<RunEvent>>(
        () =>
        {
            using var connection = (SqliteConnection)source.OpenConnection();
            using var command = connection.CreateCommand();
            command.CommandText = "SELECT Number, Event FROM Events WHERE Run = $run ORDER BY Number";
            command.Parameters.AddWithValue("$run", run);
            using var reader = command.ExecuteReader();
            var events = new List<RunEvent>();
            while (reader.Read())
            {
                events.Add(RunEventJson.Read(reader.GetInt64(0), reader.GetString(1)));
            }

            return events;
        },
        cancellationToken);
}
