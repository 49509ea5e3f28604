using System.Threading.Channels;

namespace IotaOrleans.Host.Hosting;

/// <summary>The miner silos that this process starts, all of them together.</summary>
/// <param name="control">The control silo that they join.</param>
/// <param name="log">Receives what they say.</param>
internal sealed class ChildSilos(SiloEndpoints control, Action<string> log) : IAsyncDisposable
{
    private static readonly TimeSpan JoinPatience = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly List<ChildSilo> _silos = [];
    private readonly Channel<ChildSilo> _losses = Channel.CreateUnbounded<ChildSilo>();
    private bool _killed;

    /// <summary>Whether there are any.</summary>
    public bool Any
    {
        get
        {
            lock (_gate)
            {
                return _silos.Count > 0;
            }
        }
    }

    /// <summary>Completes with a silo whose process ended without having been told to, each once, and those that were started again as well.</summary>
    public Task<ChildSilo> LostAsync() => _losses.Reader.ReadAsync().AsTask();

    /// <summary>Starts a silo for each group of miners and waits until the control silo has heard from every miner.</summary>
    /// <exception cref="IotaException">A process ended, or a miner was not heard of in time.</exception>
    public async Task StartAsync(IReadOnlyList<IReadOnlyList<string>> miners, IGrainFactory grains, CancellationToken cancellationToken)
    {
        var since = DateTimeOffset.UtcNow;
        var silos = miners.Select((group, index) => Start($"silo {index + 1}", group)).ToArray();
        await Task.WhenAll(silos.Select(silo => JoinedAsync(silo, grains, since, cancellationToken)));
    }

    /// <summary>Ends the process of a silo that the cluster has declared dead: it hangs, and is lost like one that ended by itself.</summary>
    public void EndHanging(string memberName)
    {
        lock (_gate)
        {
            _silos.Find(silo => silo.MemberName == memberName)?.EndHanging();
        }
    }

    /// <summary>Forgets a silo that was lost.</summary>
    public void Remove(ChildSilo lost)
    {
        lock (_gate)
        {
            _silos.Remove(lost);
        }
    }

    /// <summary>Starts a lost silo's miners in a new process and waits until they are back, or that process is lost, too.</summary>
    /// <exception cref="IotaException">A miner was not heard of in time.</exception>
    public async Task ReplaceAsync(ChildSilo lost, IGrainFactory grains, CancellationToken cancellationToken)
    {
        var since = DateTimeOffset.UtcNow;
        var silo = Start(lost.Name, lost.Miners);
        try
        {
            await JoinedAsync(silo, grains, since, cancellationToken);
        }
        catch (IotaException) when (silo.HasEnded)
        {
            // That is a loss of its own.
        }
    }

    /// <summary>Ends all processes at once, and those that are being started as well.</summary>
    public void Kill()
    {
        lock (_gate)
        {
            _killed = true;
            _silos.ForEach(silo => silo.Kill());
        }
    }

    public async ValueTask DisposeAsync()
    {
        ChildSilo[] silos;
        lock (_gate)
        {
            silos = [.. _silos];
        }

        await Task.WhenAll(silos.Select(silo => silo.StopAsync()));
        foreach (var silo in silos)
        {
            silo.Dispose();
        }
    }

    private ChildSilo Start(string name, IReadOnlyList<string> miners)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_killed, this);
            var silo = ChildSilo.Start(name, miners, control, log);
            _silos.Add(silo);
            _ = ReportAsync(silo);
            return silo;
        }
    }

    private async Task ReportAsync(ChildSilo silo) => _losses.Writer.TryWrite(await silo.LostAsync());

    private static async Task JoinedAsync(ChildSilo silo, IGrainFactory grains, DateTimeOffset since, CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        waiting.CancelAfter(JoinPatience);
        var joined = Task.WhenAll(silo.Miners.Select(miner => MinerPresence.WaitForAsync(grains, miner, since, waiting.Token)));
        if (await Task.WhenAny(joined, silo.LostAsync()) != joined)
        {
            await waiting.CancelAsync();
            throw new IotaException(ExitCode.Failed, silo.LastWords);
        }

        try
        {
            await joined;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IotaException(
                ExitCode.Environment,
                $"{silo.Name} did not join within {JoinPatience.TotalSeconds:0} seconds; is this machine overloaded, or is 127.0.0.1 filtered? 'iota doctor' checks it");
        }
    }
}
