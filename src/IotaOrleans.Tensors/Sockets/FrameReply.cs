namespace IotaOrleans.Tensors;

/// <summary>What became of a frame at its receiver. The values are part of the wire format.</summary>
public enum FrameReplyKind : byte
{
    /// <summary>It is in the shard's inbox.</summary>
    Accepted = 0,

    /// <summary>This silo has no such shard (any more).</summary>
    NoSuchShard = 1,

    /// <summary>The frame is damaged, hostile or too large.</summary>
    Refused = 2,
}

/// <summary>The receiver's answer to one frame, in the order of the frames.</summary>
/// <param name="Kind">What became of the frame.</param>
/// <param name="Credit">How many more frames the shard can take, if it was accepted.</param>
/// <param name="Fault">Why it was refused, if it was.</param>
/// <param name="Message">The same in words.</param>
public readonly record struct FrameReply(FrameReplyKind Kind, int Credit = 0, FrameFault Fault = default, string Message = "")
{
    internal static FrameReply Refuse(FrameFormatException refusal) => new(FrameReplyKind.Refused, 0, refusal.Fault, refusal.Message);
}
