namespace IotaOrleans.Host.Hosting;

/// <summary>Whether miners are there: their silos tell the cluster again and again.</summary>
internal static class MinerPresence
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits until a miner was heard of.</summary>
    /// <param name="grains">The cluster.</param>
    /// <param name="miner">The miner.</param>
    /// <param name="since">What was heard before does not count.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public static async Task WaitForAsync(IGrainFactory grains, string miner, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var grain = grains.GetGrain<IMinerGrain>(miner);
        while (!await IsSeenAsync(grain, since))
        {
            await Task.Delay(PollInterval, cancellationToken);
        }
    }

    private static async Task<bool> IsSeenAsync(IMinerGrain grain, DateTimeOffset since)
    {
        try
        {
            return await grain.GetAsync() is { Capability: not null, LastSeen: { } seen } && seen >= since;
        }
        catch (TimeoutException)
        {
            // A cluster that has just lost a silo may be busy with that: how long to wait is the caller's to say.
            return false;
        }
    }

    /// <summary>Waits until all of several miners were heard of, and says each time who is missing.</summary>
    public static async Task WaitForAllAsync(
        IGrainFactory grains, IReadOnlyList<string> miners, DateTimeOffset since, Action<IReadOnlyList<string>> missing, CancellationToken cancellationToken)
    {
        var awaited = miners.ToDictionary(miner => miner, miner => WaitForAsync(grains, miner, since, cancellationToken));
        while (awaited.Count > 0)
        {
            missing([.. miners.Where(awaited.ContainsKey)]);
            await await Task.WhenAny(awaited.Values);
            foreach (var arrived in awaited.Where(entry => entry.Value.IsCompleted).Select(entry => entry.Key).ToArray())
            {
                awaited.Remove(arrived);
            }
        }
    }
}
