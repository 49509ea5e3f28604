using IotaOrleans.Grains.Hosting;
using IotaOrleans.Training.Lanes;
using Microsoft.Extensions.Options;

namespace IotaOrleans.Grains.Shards;

/// <summary>The compute lanes of this silo; each shard is bound to the one with the fewest shards.</summary>
internal sealed class ComputeLanes : IDisposable
{
    private readonly Lock _lock = new();
    private readonly int _limit;
    private readonly List<(ComputeLane Lane, int Shards)> _lanes = [];

    public ComputeLanes(IOptions<IotaSiloOptions> options)
    {
        _limit = options.Value.Lanes;
    }

    /// <summary>Binds a shard to a lane; threads start when they are first needed.</summary>
    public ComputeLane Take()
    {
        lock (_lock)
        {
            if (_lanes.Count < _limit && _lanes.TrueForAll(entry => entry.Shards > 0))
            {
                _lanes.Add((new ComputeLane($"lane-{_lanes.Count}"), 1));
                return _lanes[^1].Lane;
            }

            var least = Enumerable.Range(0, _lanes.Count).MinBy(index => _lanes[index].Shards);
            _lanes[least] = (_lanes[least].Lane, _lanes[least].Shards + 1);
            return _lanes[least].Lane;
        }
    }

    /// <summary>Frees a shard's place.</summary>
    public void Return(ComputeLane lane)
    {
        lock (_lock)
        {
            var index = _lanes.FindIndex(entry => entry.Lane == lane);
            _lanes[index] = (lane, _lanes[index].Shards - 1);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var (lane, _) in _lanes)
            {
                lane.Dispose();
            }

            _lanes.Clear();
        }
    }
}
