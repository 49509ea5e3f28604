using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Host.Plans;

/// <summary>The pipeline that schedules are compared on.</summary>
/// <param name="Ranks">Number of ranks.</param>
/// <param name="MicroBatches">Micro-batches per step.</param>
/// <param name="Chunks">Model chunks per rank of an interleaved schedule; each costs its part of the rank.</param>
/// <param name="Costs">What one micro-batch costs on a whole rank.</param>
internal sealed record PipelineShape(int Ranks, int MicroBatches, int Chunks, ScheduleCosts Costs)
{
    public int ChunksOf(ScheduleKind kind) => kind == ScheduleKind.Interleaved ? Chunks : 1;
}
