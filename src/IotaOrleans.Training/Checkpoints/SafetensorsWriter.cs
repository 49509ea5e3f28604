using System.Runtime.InteropServices;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>
/// Writes a safetensors file as a stream: the header first, then each tensor's bytes in the announced order and in
/// chunks of any size, so that no more than one chunk need be in memory.
/// </summary>
public sealed class SafetensorsWriter
{
    private static readonly Dictionary<string, string> DefaultMetadata = new() { ["format"] = "pt" };

    private readonly Stream _output;
    private readonly Queue<SafetensorsTensor> _remaining;
    private long _missing;

    /// <summary>Writes the header.</summary>
    /// <param name="output">Receives the file; left open.</param>
    /// <param name="tensors">What will be written, in order.</param>
    /// <param name="metadata">Free text; by default <c>format = pt</c>, which transformers insists on.</param>
    /// <exception cref="ArgumentException">A name is taken or reserved, or a shape is impossible.</exception>
    public SafetensorsWriter(Stream output, IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        _output = output;
        _remaining = new Queue<SafetensorsTensor>(tensors);
        _output.Write(SafetensorsHeader.Format(tensors, metadata ?? DefaultMetadata));
        SkipComplete();
    }

    /// <summary>Appends bytes of a tensor.</summary>
    /// <param name="name">The tensor whose turn it is.</param>
    /// <param name="chunk">Its next bytes.</param>
    /// <exception cref="InvalidOperationException">Another tensor is due, or the tensor would become too long.</exception>
    public void Write(string name, ReadOnlySpan<byte> chunk)
    {
        if (chunk.IsEmpty)
        {
            return;
        }

        if (!_remaining.TryPeek(out SafetensorsTensor? due) || due.Name != name)
        {
            throw new InvalidOperationException($"Bytes of tensor {name} came when {due?.Name ?? "the end of the file"} was due.");
        }

        if (chunk.Length > _missing)
        {
            throw new InvalidOperationException($"Tensor {name} lacks {_missing} bytes, but {chunk.Length} came.");
        }

        _output.Write(chunk);
        _missing -= chunk.Length;
        if (_missing == 0)
        {
            _remaining.Dequeue();
            SkipComplete();
        }
    }

    /// <summary>Appends elements of an F32 tensor.</summary>
    /// <inheritdoc cref="Write" path="/exception" />
    public void WriteSingles(string name, ReadOnlySpan<float> chunk) => Write(name, MemoryMarshal.AsBytes(chunk));

    /// <summary>Checks that every announced byte was written. Call it last.</summary>
    /// <exception cref="InvalidOperationException">A tensor is incomplete.</exception>
    public void Complete()
    {
        if (_remaining.TryPeek(out SafetensorsTensor? due))
        {
            throw new InvalidOperationException($"Tensor {due.Name} lacks {_missing} bytes.");
        }
    }

    private void SkipComplete()
    {
        while (_remaining.TryPeek(out SafetensorsTensor? due))
        {
            _missing = SafetensorsHeader.ByteLength(due.DType, due.Shape);
            if (_missing > 0)
            {
                return;
            }

            _remaining.Dequeue();
        }
    }
}
