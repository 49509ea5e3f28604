using System.Net;
using System.Net.Sockets;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Tensors;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;

namespace IotaOrleans.Grains.Shards;

/// <summary>This silo's listener for frames: there before the first grain is, and gone after the last one.</summary>
internal sealed class SiloFrameListener(
    IOptions<IotaSiloOptions> options,
    IOptions<EndpointOptions> endpoints,
    ILocalSiloDetails silo,
    FrameInboxes inboxes,
    TimeProvider time,
    ILogger<FrameListener> logger) : ILifecycleParticipant<ISiloLifecycle>
{
    private FrameListener? _listener;

    /// <summary>Where frames are taken, or null when this silo takes them by grain calls only.</summary>
    public FrameEndpoint? Endpoint => _listener?.Endpoint;

    /// <summary>Connections over which other silos send now.</summary>
    public int Connections => _listener?.Connections ?? 0;

    /// <summary>Ends all connections and listens anew, under another secret and, unless one is set, at another port.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    /// <inheritdoc />
    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe(nameof(SiloFrameListener), ServiceLifecycleStage.RuntimeGrainServices, _ => StartAsync(), _ => StopAsync());

    private Task StartAsync()
    {
        if (options.Value.Transport != TensorTransportKind.Socket)
        {
            return Task.CompletedTask;
        }

        var advertised = silo.SiloAddress.Endpoint.Address;
        var local = new IPEndPoint(endpoints.Value.SiloListeningEndpoint?.Address ?? advertised, options.Value.TensorPort);
        try
        {
            _listener = FrameListener.Start(local, advertised, inboxes, FramePool.Shared, new FrameSocketOptions(), time, logger);
        }
        catch (SocketException failure)
        {
            throw new IotaException(ExitCode.Environment, $"no tensor frames can be taken at {local} ({failure.Message}); choose another port with --tensor-port", failure);
        }

        return Task.CompletedTask;
    }

    private async Task StopAsync()
    {
        if (_listener is not null)
        {
            await _listener.DisposeAsync();
        }
    }
}
