using IotaOrleans.Grains.Views;

namespace IotaOrleans.Host.Storage;

/// <summary>A journal in a database that may be away for a while. Each event is kept once, however often it is added.</summary>
internal sealed class PatientRunJournal(IRunJournal inner, StoreOutage outage) : IRunJournal
{
    /// <inheritdoc />
    public Task AppendAsync(string run, IReadOnlyCollection<RunEvent> events, CancellationToken cancellationToken = default) => outage.PersevereAsync(
        async _ =>
        {
            await inner.AppendAsync(run, events, cancellationToken);
            return true;
        },
        cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<RunEvent>> ReadAsync(string run, CancellationToken cancellationToken = default) =>
        outage.PersevereAsync(_ => inner.ReadAsync(run, cancellationToken), cancellationToken);
}
