using System.Net;

namespace IotaOrleans.Host.Hosting;

/// <summary>The miner silos that this process started, all of them together.</summary>
internal sealed class ChildSilos : IAsyncDisposable
{
    private static readonly TimeSpan JoinPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    private readonly List<ChildSilo> _silos = [];

    /// <summary>Completes with the reason when one of the processes ends without having been told to.</summary>
    public async Task<IotaException> LostAsync() =>
        _silos.Count == 0 ? await new TaskCompletionSource<IotaException>().Task : await await Task.WhenAny(_silos.Select(silo => silo.LostAsync()));

    /// <summary>Starts a silo for each group of miners and waits until the control silo has heard from every miner.</summary>
    /// <exception cref="IotaException">A process ended, or a miner was not heard of in time.</exception>
    public async Task StartAsync(
        IReadOnlyList<IReadOnlyList<string>> miners, SiloEndpoints control, IGrainFactory grains, Action<string> log, CancellationToken cancellationToken)
    {
        var since = DateTimeOffset.UtcNow;
        foreach (var group in miners)
        {
            _silos.Add(ChildSilo.Start($"silo {_silos.Count + 1}", group, control.ClusterId, new IPEndPoint(control.Address, control.SiloPort), log));
        }

        if (_silos.Count == 0)
        {
            return;
        }

        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        waiting.CancelAfter(JoinPatience);
        var joined = Task.WhenAll(miners.SelectMany(group => group).Select(miner => JoinedAsync(grains.GetGrain<IMinerGrain>(miner), since, waiting.Token)));
        var lost = LostAsync();
        if (await Task.WhenAny(joined, lost) == lost)
        {
            await waiting.CancelAsync();
            throw await lost;
        }

        try
        {
            await joined;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IotaException(
                ExitCode.Environment,
                $"the miner silos did not join within {JoinPatience.TotalSeconds:0} seconds; is this machine overloaded, or is 127.0.0.1 filtered? 'iota doctor' checks it");
        }
    }

    /// <summary>Ends all processes at once.</summary>
    public void Kill()
    {
        foreach (var silo in _silos)
        {
            silo.Kill();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_silos.Select(silo => silo.StopAsync()));
        foreach (var silo in _silos)
        {
            silo.Dispose();
        }
    }

    private static async Task JoinedAsync(IMinerGrain miner, DateTimeOffset since, CancellationToken cancellationToken)
    {
        while (await miner.GetAsync() is not { Capability: not null, LastSeen: { } seen } || seen < since)
        {
            await Task.Delay(PollInterval, cancellationToken);
        }
    }
}
