using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace IotaOrleans.Training.Models;

/// <summary>
/// The rotary position embedding (Su et al., 2021) by half-rotation: the pairs (x[i], x[i + size/2]) of each head turn by an angle that grows with
/// the position. One pass through memory, in place if wanted.
/// </summary>
internal sealed class RotaryTable
{
    private readonly int _half;
    private readonly float[] _cosines;
    private readonly float[] _sines;

    public RotaryTable(ModelConfiguration model)
    {
        _half = model.HeadSize / 2;
        (_cosines, _sines) = (new float[model.ContextLength * _half], new float[model.ContextLength * _half]);
        for (var i = 0; i < _cosines.Length; i++)
        {
            var angle = i / _half * Math.Pow(model.RotaryBase, -2.0 * (i % _half) / model.HeadSize);
            (_cosines[i], _sines[i]) = ((float)Math.Cos(angle), (float)Math.Sin(angle));
        }
    }

    /// <summary>Turns the first heads of each row, a row per token.</summary>
    /// <param name="source">The rows.</param>
    /// <param name="target">Receives the turned heads; may be the source.</param>
    /// <param name="heads">Heads to turn, from the beginning of a row.</param>
    /// <param name="time">Tokens of a sequence.</param>
    /// <param name="back">Whether to turn backward, as gradients do.</param>
    public void Rotate(HeadRows source, HeadRows target, int heads, int time, bool back = false)
    {
        var rows = source.Values.Length / source.Width;
        for (var row = 0; row < rows; row++)
        {
            var angles = row % time * _half;
            for (var head = 0; head < heads; head++)
            {
                Turn(source.Head(row, head, 2 * _half), target.Head(row, head, 2 * _half), _cosines.AsSpan(angles, _half), _sines.AsSpan(angles, _half), back ? -1 : 1);
            }
        }
    }

    private static void Turn(ReadOnlySpan<float> source, Span<float> target, ReadOnlySpan<float> cosines, ReadOnlySpan<float> sines, float direction)
    {
        var half = cosines.Length;
        ref var x = ref MemoryMarshal.GetReference(source);
        ref var y = ref MemoryMarshal.GetReference(target);
        ref var cosine = ref MemoryMarshal.GetReference(cosines);
        ref var sine = ref MemoryMarshal.GetReference(sines);
        var i = 0;
        for (; i <= half - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            var (first, second) = (Vector256.LoadUnsafe(ref x, (nuint)i), Vector256.LoadUnsafe(ref x, (nuint)(half + i)));
            var (c, s) = (Vector256.LoadUnsafe(ref cosine, (nuint)i), Vector256.LoadUnsafe(ref sine, (nuint)i) * direction);
            ((first * c) - (second * s)).StoreUnsafe(ref y, (nuint)i);
            ((second * c) + (first * s)).StoreUnsafe(ref y, (nuint)(half + i));
        }

        for (; i < half; i++)
        {
            var (first, second) = (source[i], source[half + i]);
            var (c, s) = (cosines[i], sines[i] * direction);
            target[i] = (first * c) - (second * s);
            target[half + i] = (second * c) + (first * s);
        }
    }
}

/// <summary>Rows of attention heads, one after the other.</summary>
internal readonly ref struct HeadRows(Span<float> values, int width, int offset = 0)
{
    /// <summary>All of them.</summary>
    public Span<float> Values { get; } = values;

    /// <summary>Values from one row to the next.</summary>
    public int Width => width;

    /// <summary>A head of a row.</summary>
    public Span<float> Head(int row, int head, int size) => Values.Slice((row * width) + offset + (head * size), size);
}
