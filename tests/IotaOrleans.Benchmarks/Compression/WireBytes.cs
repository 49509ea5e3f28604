using System.Diagnostics.Metrics;
using IotaOrleans.Grains.Telemetry;
using IotaOrleans.Tensors;

namespace IotaOrleans.Benchmarks.Compression;

/// <summary>Counts the bytes of activations that this process's silo sends to others, as telemetry reports them.</summary>
internal sealed class WireBytes : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _activations;

    public WireBytes()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is { Meter.Name: IotaInstruments.MeterName, Name: "iota.wire.bytes" })
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, bytes, tags, _) =>
        {
            if (tags[0].Value is nameof(FrameKind.Activation))
            {
                Interlocked.Add(ref _activations, bytes);
            }
        });
        _listener.Start();
    }

    public long Activations => Interlocked.Read(ref _activations);

    public void Dispose() => _listener.Dispose();
}
