using IotaOrleans.Grains.Hosting;
using IotaOrleans.Training.Lanes;
using Microsoft.Extensions.Options;

namespace IotaOrleans.Grains.Shards;

/// <summary>A miner's place on this silo: its lane, and the order in which its stages take turns when it holds several.</summary>
/// <param name="Lane">The lane.</param>
/// <param name="Shared">What the silo's lanes do for each other.</param>
/// <param name="Turns">The turns, or null when the miner holds one stage.</param>
internal sealed record MinerLane(ComputeLane Lane, SharedWork Shared, MinerTurns? Turns);

/// <summary>
/// The compute lanes of this silo. All shards of a miner in one session share a lane, as they would share a machine; a new miner is
/// bound to the lane with the fewest shards.
/// </summary>
internal sealed class ComputeLanes : IDisposable
{
    private readonly Lock _lock = new();
    private readonly int _limit;
    private readonly double _processorShare;
    private readonly SharedWork _shared = new();
    private readonly List<ComputeLane> _lanes = [];
    private readonly Dictionary<(Guid Session, string Miner), (MinerLane Place, int Shards)> _miners = [];

    public ComputeLanes(IOptions<IotaSiloOptions> options)
    {
        _limit = options.Value.Lanes;
        _processorShare = options.Value.ProcessorShare;
    }

    /// <summary>Binds a shard to its miner's lane; threads start when they are first needed.</summary>
    public MinerLane Take(ShardAssignment assignment, string miner)
    {
        var specification = assignment.Specification;
        var key = (assignment.Session, Miner: miner);
        lock (_lock)
        {
            var (place, shards) = _miners.TryGetValue(key, out var entry)
                ? entry
                : (new MinerLane(LeastUsed(), _shared, specification.Chunks > 1 ? new MinerTurns(specification, miner) : null), 0);
            _miners[key] = (place, shards + 1);
            return place;
        }
    }

    /// <summary>Frees a shard's place.</summary>
    public void Return(MinerLane place)
    {
        lock (_lock)
        {
            var (key, entry) = _miners.First(miner => ReferenceEquals(miner.Value.Place, place));
            if (entry.Shards == 1)
            {
                _miners.Remove(key);
                return;
            }

            _miners[key] = (place, entry.Shards - 1);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var lane in _lanes)
            {
                lane.Dispose();
            }

            _lanes.Clear();
        }
    }

    private ComputeLane LeastUsed()
    {
        if (_lanes.Count < _limit && _lanes.TrueForAll(lane => ShardsOn(lane) > 0))
        {
            _lanes.Add(new ComputeLane($"lane-{_lanes.Count}", processorShare: _processorShare, shared: _shared));
            return _lanes[^1];
        }

        return _lanes.MinBy(ShardsOn)!;
    }

    private int ShardsOn(ComputeLane lane) => _miners.Values.Where(entry => entry.Place.Lane == lane).Sum(entry => entry.Shards);
}
