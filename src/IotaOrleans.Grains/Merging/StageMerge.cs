using System.Collections.Immutable;
using IotaOrleans.Protocol.Merging;
using IotaOrleans.Tensors;
using Microsoft.Extensions.Logging;

namespace IotaOrleans.Grains.Merging;

/// <summary>
/// One merge under way, on its grain's scheduler: the replicas exchange cells among themselves; here their copies are compared, arbiters
/// are asked, and the version that a majority put together is committed.
/// </summary>
internal sealed partial class StageMerge
{
    private readonly MergeId _id;
    private readonly MergeRequest _request;
    private readonly byte[] _secret;
    private readonly IGrainFactory _grains;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, TaskCompletionSource> _lost = new(StringComparer.Ordinal);
    private readonly long _started;

    public StageMerge(MergeId id, MergeRequest request, byte[] secret, IGrainFactory grains, TimeProvider time, ILogger logger)
    {
        (_id, _request, _secret, _grains, _time, _logger) = (id, request, secret, grains, time, logger);
        _started = time.GetTimestamp();
    }

    /// <summary>Waits for nobody any longer.</summary>
    public void Close() => _closed.TrySetResult();

    /// <summary>Waits no longer for a replica that is gone, and tells the others not to.</summary>
    public void Lose(string miner)
    {
        if (LossOf(miner).TrySetResult())
        {
            foreach (var peer in Living)
            {
                Shard(peer).LosePeerAsync(_request.Session, _id.Round, miner).Ignore();
            }
        }
    }

    private IEnumerable<string> Living => _request.Members.Where(member => !LossOf(member).Task.IsCompleted);

    public async Task<MergeReport> RunAsync()
    {
        var length = _request.Updates.CountBy(update => update.Report.Length).MaxBy(count => count.Value).Key;
        ImmutableArray<ReplicaUpdate> updates = [.. _request.Updates.Where(update => update.Report.Length == length)];
        var order = Order(updates, Map(updates, length));
        var tally = await ReduceAsync(order.Map, order.Order);
        var decided = tally.Outcome()!;
        if (decided.Kind == MergeOutcomeKind.Failed)
        {
            await CommitAsync(_request.Members, agreed: false);
            return Report(tally, decided);
        }

        var hashes = await AssembleAsync(order.Map, order.Order, tally);
        var verdict = StageAgreement.Decide(Living, hashes, isClosed: true);
        if (verdict.Hash is not { } hash)
        {
            await CommitAsync(_request.Members, agreed: false);
            return Report(tally, new MergeOutcome(MergeOutcomeKind.Failed, [], "the replicas put together different versions, and none is that of a majority"));
        }

        var holders = Living.Except(verdict.Redownload).ToImmutableArray();
        var version = new StageVersionName(_id.Round, hash);
        await CommitAsync(holders, agreed: true);
        await Task.WhenAll(verdict.Redownload.Select(miner => RepairAsync(miner, version, holders)));
        return Report(tally, decided) with { Version = version, Repaired = verdict.Redownload };
    }

    private ButterflyMap Map(ImmutableArray<ReplicaUpdate> updates, long length)
    {
        // Sparse updates are so small that everybody reduces everything: less to send than merged cells, which are dense.
        var owners = _request.Format == UpdateFormat.TopK ? updates.Length : _request.Settings.Owners;
        return ButterflyMap.Create(updates.Select(update => update.Miner), _secret, length, owners, UpdateCodec.For(_request.Format).Granularity);
    }

    private (ButterflyMap Map, MergeOrder Order) Order(ImmutableArray<ReplicaUpdate> updates, ButterflyMap map)
    {
        var reports = updates.ToDictionary(update => update.Miner, update => update.Report);
        return (map, new MergeOrder
        {
            Round = _id.Round,
            Miners = map.Miners,
            Weights = [.. map.Miners.Select(miner => (double)reports[miner].Work)],
            Norms = [.. map.Miners.Select(miner => reports[miner].Norm)],
            Cells = map.Cells,
            Settings = _request.Settings,
            Patience = _request.Patience,
        });
    }

    private async Task<MergeTally> ReduceAsync(ButterflyMap map, MergeOrder order)
    {
        var tally = MergeTally.Begin(map, _request.Settings);
        await Task.WhenAll(map.Miners.Select(async miner =>
        {
            var copies = await TryAsync(miner, shard => shard.ReduceAsync(_request.Session, order));
            tally = copies.IsDefault ? tally.Lose(miner) : copies.Aggregate(tally, (before, copy) => before.Add(copy with { Miner = miner }));
        }));
        while (!tally.IsSettled && !tally.Asked.IsEmpty && !_closed.Task.IsCompleted)
        {
            var asked = tally.Asked;
            await Task.WhenAll(asked.Select(async ask =>
            {
                await Task.WhenAll(map.Miners.Where(miner => miner != ask.Arbiter && !tally.Lost.Contains(miner))
                    .Select(miner => TryAsync(miner, async shard =>
                    {
                        await shard.SendCellAsync(_request.Session, order, ask.Cell, ask.Arbiter);
                        return true;
                    })));
                var copy = await TryAsync(ask.Arbiter, shard => shard.ArbitrateAsync(_request.Session, order, ask.Cell));
                tally = copy is null ? tally.Lose(ask.Arbiter) : tally.Add(copy with { Miner = ask.Arbiter, Cell = ask.Cell });
            }));
        }

        return tally.IsSettled ? tally : tally.Close();
    }

    private async Task<ImmutableArray<StageHash>> AssembleAsync(ButterflyMap map, MergeOrder order, MergeTally tally)
    {
        var deliveries = ImmutableArray.CreateBuilder<CellDelivery>();
        foreach (var decision in tally.Decisions.Where(decision => decision is { IsGap: false, IsOpen: false } && map.Cells[decision.Cell].Length > 0))
        {
            foreach (var receiver in _request.Members.Where(member => !decision.Holders.Contains(member)))
            {
                var sender = map.Miners.Contains(receiver) ? map.Sender(decision, receiver)! : decision.Holders[decision.Cell % decision.Holders.Length];
                deliveries.Add(new CellDelivery(decision.Cell, sender, receiver));
            }
        }

        var assembly = new AssemblyOrder(_id.Round, order.Cells, [.. tally.Decisions], deliveries.ToImmutable(), order.Miners.Length, _request.Patience);
        var hashes = await Task.WhenAll(_request.Members.Select(async miner => (miner, Hash: await TryAsync(miner, shard => shard.AssembleAsync(_request.Session, assembly)))));
        return [.. hashes.Where(entry => entry.Hash is not null).Select(entry => new StageHash(entry.miner, entry.Hash!.Value))];
    }

    private async Task CommitAsync(ImmutableArray<string> miners, bool agreed) => await Task.WhenAll(miners.Select(miner => TryAsync(miner, async shard =>
    {
        await shard.CommitAsync(_request.Session, _id.Round, agreed);
        return true;
    })));

    private async Task RepairAsync(string miner, StageVersionName version, ImmutableArray<string> holders) => await TryAsync(miner, async shard =>
    {
        await shard.FetchAsync(_request.Session, version, holders);
        return true;
    });

    private MergeReport Report(MergeTally tally, MergeOutcome outcome) => new()
    {
        Merge = _id,
        Outcome = outcome,
        Contributors = [.. _request.Updates.Select(update => update.Miner)],
        Faulty = tally.Faulty,
        Reduced = [.. tally.Decisions.Where(decision => decision is { IsGap: false, IsOpen: false, Hash: not null }).SelectMany(decision => decision.Holders.Select(holder => new CellCopy(decision.Cell, holder, decision.Hash!.Value)))],
        Commitment = MergeCommitment.To(_id, _secret),
        Secret = Convert.ToHexStringLower(_secret),
        Duration = _time.GetElapsedTime(_started),
    };

    private TaskCompletionSource LossOf(string miner)
    {
        if (!_lost.TryGetValue(miner, out var loss))
        {
            _lost[miner] = loss = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return loss;
    }

    private ISwarmShardGrain Shard(string miner) => _grains.GetGrain<ISwarmShardGrain>(new ShardKey(_id.Run, _id.Stage, miner).ToString());

    /// <summary>Asks a replica; one that cannot be reached, or is still silent when the merge closes, gives the default.</summary>
    private async Task<T?> TryAsync<T>(string miner, Func<ISwarmShardGrain, Task<T>> ask)
    {
        try
        {
            var lost = LossOf(miner).Task;
            if (lost.IsCompleted)
            {
                return default;
            }

            var answer = ask(Shard(miner));
            return await Task.WhenAny(answer, lost, _closed.Task) == answer ? await answer : default;
        }
        catch (Exception failure)
        {
            LogUnreachable(_id, miner, failure);
            return default;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Merge {Merge}: {Miner} takes no further part")]
    private partial void LogUnreachable(MergeId merge, string miner, Exception failure);
}
