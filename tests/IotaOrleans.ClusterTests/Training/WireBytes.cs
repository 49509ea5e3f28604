using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using IotaOrleans.Grains.Telemetry;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>Counts the bytes that silos of this process send to each other, by kind of frame, as telemetry reports them.</summary>
internal sealed class WireBytes : IDisposable
{
    private readonly ConcurrentDictionary<string, long> _bytes = new();
    private readonly MeterListener _listener = new();

    public WireBytes()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is { Meter.Name: IotaInstruments.MeterName, Name: "iota.wire.bytes" })
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, bytes, tags, _) => _bytes.AddOrUpdate((string)tags[0].Value!, bytes, (_, before) => before + bytes));
        _listener.Start();
    }

    public long Of(string kind) => _bytes.GetValueOrDefault(kind);

    public void Dispose() => _listener.Dispose();
}
