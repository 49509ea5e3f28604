using System.Buffers;
using Orleans.Serialization.Buffers;
using Orleans.Serialization.Cloning;
using Orleans.Serialization.Codecs;
using Orleans.Serialization.Serializers;
using Orleans.Serialization.WireProtocol;

namespace IotaOrleans.Tensors;

/// <summary>
/// Carries frames in grain calls without intermediate arrays: sizes are checked before anything is rented, the payload goes from
/// pooled memory to the connection and from the connection to pooled memory. A frame that went through a call is always a copy of
/// its own, also within one silo, so sender and receiver each own what they hold; the copy of a call that leaves the silo is given back
/// as soon as it is written.
/// </summary>
[RegisterSerializer]
[RegisterCopier]
public sealed class TensorFrameCodec : IFieldCodec<TensorFrame>, IDeepCopier<TensorFrame>
{
    /// <inheritdoc />
    public void WriteField<TBufferWriter>(ref Writer<TBufferWriter> writer, uint fieldIdDelta, Type? expectedType, TensorFrame? value)
        where TBufferWriter : IBufferWriter<byte>
    {
        if (ReferenceCodec.TryWriteReferenceField(ref writer, fieldIdDelta, expectedType!, value))
        {
            return;
        }

        var header = new ArrayBufferWriter<byte>(256);
        FrameHeaderFormat.Write(header, value!.Header, value.Payload.Length, value.ComputeChecksum());
        writer.WriteFieldHeader(fieldIdDelta, expectedType!, typeof(TensorFrame), WireType.LengthPrefixed);
        writer.WriteVarUInt32((uint)(4 + header.WrittenCount + value.Payload.Length));
        writer.WriteInt32(header.WrittenCount);
        writer.Write(header.WrittenSpan);
        writer.Write(value.Payload.Span);
        if (value.IsCallCopy)
        {
            value.Dispose();
        }
    }

    /// <inheritdoc />
    public TensorFrame? ReadValue<TInput>(ref Reader<TInput> reader, Field field)
    {
        if (field.WireType == WireType.Reference)
        {
            return ReferenceCodec.ReadReference<TensorFrame, TInput>(ref reader, field);
        }

        field.EnsureWireType(WireType.LengthPrefixed);
        var byteCount = reader.ReadVarUInt32();
        var headerByteCount = reader.ReadInt32();
        if (headerByteCount is <= 0 or > FrameHeaderFormat.MaximumByteCount || (uint)headerByteCount + 4 > byteCount)
        {
            throw new FrameFormatException(FrameFault.BadHeader, $"a header of {headerByteCount:N0} bytes in a frame of {byteCount:N0}");
        }

        var headerBytes = ArrayPool<byte>.Shared.Rent(headerByteCount);
        try
        {
            reader.ReadBytes(headerBytes.AsSpan(0, headerByteCount));
            var (header, payloadByteCount, checksum, read) = FrameHeaderFormat.Read(headerBytes.AsSpan(0, headerByteCount), FramePool.Shared.MaximumByteCount);
            if (read != headerByteCount || 4 + (long)headerByteCount + payloadByteCount != byteCount)
            {
                throw new FrameFormatException(FrameFault.BadHeader, "the lengths in the frame's header contradict each other");
            }

            return ReadPayload(ref reader, header, checksum);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(headerBytes);
        }
    }

    /// <inheritdoc />
    public TensorFrame? DeepCopy(TensorFrame? input, CopyContext context)
    {
        if (input is null)
        {
            return null;
        }

        var copy = TensorFrame.Rent(FramePool.Shared, input.Header, isCallCopy: true);
        input.Payload.CopyTo(copy.Payload);
        return copy;
    }

    private static TensorFrame ReadPayload<TInput>(ref Reader<TInput> reader, FrameHeader header, ulong checksum)
    {
        var frame = TensorFrame.Rent(FramePool.Shared, header);
        try
        {
            reader.ReadBytes(frame.Payload.Span);
            if (frame.ComputeChecksum() != checksum)
            {
                throw new FrameFormatException(FrameFault.BadChecksum, $"the payload of {header.MicroBatch} was damaged on its way");
            }

            ReferenceCodec.RecordObject(reader.Session, frame);
            return frame;
        }
        catch
        {
            frame.Dispose();
            throw;
        }
    }
}
