using System.Collections.Immutable;
using IotaOrleans.Protocol.Assignment;

namespace IotaOrleans.Protocol.Swarm;

/// <summary>What was measured of a shard.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="Seconds">Seconds of computing per micro-batch, forward and backward; zero when nothing was measured yet.</param>
/// <param name="MemoryBytes">The miner's memory; <see cref="long.MaxValue"/> when it is not known.</param>
/// <param name="Speed">
/// The miner's speed by its own test, relative to the others: it tells a slow miner from a costly stage. One for all when it is not known of all.
/// </param>
public sealed record ShardPace(ShardKey Shard, double Seconds, long MemoryBytes, double Speed = 1);

/// <summary>Turns what was measured of shards into stages' costs and miners' speeds, and decides who should hold what.</summary>
public static class SwarmPlanner
{
    /// <summary>The stage for a miner that joins.</summary>
    /// <param name="stages">Number of stages.</param>
    /// <param name="memory">Memory that a replica of each stage needs.</param>
    /// <param name="paces">The shards of the run.</param>
    /// <param name="joiner">The miner.</param>
    /// <param name="speed">Its speed relative to the other miners' median; one when it is not known.</param>
    /// <param name="memoryBytes">Its memory.</param>
    /// <returns>The stage, or null when its memory is too small for any.</returns>
    public static int? ChooseStage(int stages, IReadOnlyList<long> memory, IReadOnlyList<ShardPace> paces, string joiner, double speed, long memoryBytes) =>
        StageAssigner.Choose(Demands(stages, memory, paces), Placements(stages, paces), new MinerOffer(joiner, speed, memoryBytes));

    /// <summary>The move that would make the run faster by more than the margin, or null.</summary>
    /// <remarks>Nothing is proposed before every shard was measured.</remarks>
    public static StageMove? ProposeMove(int stages, IReadOnlyList<long> memory, IReadOnlyList<ShardPace> paces) =>
        paces.Any(pace => pace.Seconds <= 0) ? null : StageAssigner.ProposeMove(Demands(stages, memory, paces), Placements(stages, paces));

    /// <summary>Predicted throughput of the run in micro-batches per second.</summary>
    public static double Throughput(int stages, IReadOnlyList<long> memory, IReadOnlyList<ShardPace> paces) =>
        StageAssigner.Throughput(Demands(stages, memory, paces), Placements(stages, paces));

    /// <summary>A stage costs what its median miner would take at speed one; where none was measured, what the median stage costs.</summary>
    private static StageDemand[] Demands(int stages, IReadOnlyList<long> memory, IReadOnlyList<ShardPace> paces)
    {
        var known = Enumerable.Range(0, stages).Select(stage => Median(paces.Where(pace => pace.Shard.Stage == stage && pace.Seconds > 0).Select(pace => pace.Seconds * pace.Speed))).ToArray();
        var other = Median(known.Where(seconds => seconds > 0));
        return [.. known.Select((seconds, stage) => new StageDemand(seconds > 0 ? seconds : other > 0 ? other : 1, memory[stage]))];
    }

    private static ImmutableArray<MinerPlacement> Placements(int stages, IReadOnlyList<ShardPace> paces)
    {
        var demands = Demands(stages, [.. Enumerable.Repeat(0L, stages)], paces);
        return
        [
            .. paces.Select(pace => new MinerPlacement(
                new MinerOffer(pace.Shard.Miner, pace.Seconds > 0 ? demands[pace.Shard.Stage].Seconds / pace.Seconds : pace.Speed, pace.MemoryBytes), pace.Shard.Stage)),
        ];
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? 0 : sorted[sorted.Length / 2];
    }
}
