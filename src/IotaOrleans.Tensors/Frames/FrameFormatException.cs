namespace IotaOrleans.Tensors;

/// <summary>Why a frame was refused.</summary>
public enum FrameFault
{
    /// <summary>The bytes end before the frame does.</summary>
    Truncated,

    /// <summary>It does not begin with the format's mark, or has a version that is not known here.</summary>
    UnknownFormat,

    /// <summary>It is larger than the limit.</summary>
    TooLarge,

    /// <summary>Kind, element type or a length in the header is impossible.</summary>
    BadHeader,

    /// <summary>Shape and element type do not give the payload's size.</summary>
    BadShape,

    /// <summary>The payload is not what the sender hashed.</summary>
    BadChecksum,
}

/// <summary>A frame that cannot be accepted; neither the connection nor the silo suffers.</summary>
[GenerateSerializer, Alias("IotaOrleans.FrameFormatException")]
public sealed class FrameFormatException : Exception
{
    /// <summary>Creates the exception.</summary>
    public FrameFormatException(FrameFault fault, string message)
        : base(message)
    {
        Fault = fault;
    }

    /// <summary>Why the frame was refused.</summary>
    [Id(0)]
    public FrameFault Fault { get; private set; }
}
