using IotaOrleans.Tensors;

namespace IotaOrleans.Grains.Shards;

/// <summary>What passes between stages.</summary>
internal static class Boundaries
{
    /// <summary>Values per token in a frame of a shard: an activation passes the boundary after its stage, a gradient the one before it.</summary>
    public static int Width(ShardAssignment assignment, FrameKind kind)
    {
        var blocks = assignment.Specification.Stages[assignment.Stage];
        return assignment.Specification.Model.BoundaryWidth(kind == FrameKind.Gradient ? blocks.First : blocks.End);
    }
}
