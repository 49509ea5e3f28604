using System.Numerics;
using System.Runtime.InteropServices;

namespace IotaOrleans.Tensors;

/// <summary>Finds the values of largest magnitude, the same ones on every machine: among equals those that come first.</summary>
internal static class LargestValues
{
    private const int PlaceBits = 12;
    private const uint MagnitudeBits = 0x7FFF_FFFF;

    /// <summary>Finds the largest values of a chunk.</summary>
    /// <param name="chunk">At most 4,096 finite values.</param>
    /// <param name="places">Receives where they are, in rising order; its length says how many are wanted, at most as many as there are.</param>
    /// <param name="magnitudes">Receives their magnitudes, in rising order.</param>
    public static void Find(ReadOnlySpan<float> chunk, Span<int> places, Span<float> magnitudes)
    {
        // A key is the bits of a magnitude, which are in the order of magnitudes, and then the place, turned around: no two are equal.
        var bits = MemoryMarshal.Cast<float, uint>(chunk);
        Span<ulong> keys = stackalloc ulong[places.Length];
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = Key(bits, i);
        }

        // What is kept is a heap with its smallest key on top. Few values of a chunk are larger than that: whole vectors are passed over.
        for (var parent = (keys.Length / 2) - 1; parent >= 0; parent--)
        {
            Sink(keys, parent);
        }

        var magnitude = new Vector<uint>(MagnitudeBits);
        for (var place = keys.Length; place < bits.Length;)
        {
            var smallest = (uint)(keys[0] >> PlaceBits);
            if (place <= bits.Length - Vector<uint>.Count
                && Vector.LessThanOrEqualAll(new Vector<uint>(bits[place..]) & magnitude, new Vector<uint>(smallest)))
            {
                place += Vector<uint>.Count;
                continue;
            }

            for (var end = Math.Min(bits.Length, place + Vector<uint>.Count); place < end; place++)
            {
                if (Key(bits, place) > keys[0])
                {
                    keys[0] = Key(bits, place);
                    Sink(keys, 0);
                }
            }
        }

        keys.Sort();
        for (var i = 0; i < keys.Length; i++)
        {
            places[i] = Turned((int)keys[i]);
            magnitudes[i] = BitConverter.UInt32BitsToSingle((uint)(keys[i] >> PlaceBits));
        }

        places.Sort();
    }

    private static ulong Key(ReadOnlySpan<uint> bits, int place) => ((ulong)(bits[place] & MagnitudeBits) << PlaceBits) | (uint)Turned(place);

    private static int Turned(int place) => ~place & ((1 << PlaceBits) - 1);

    private static void Sink(Span<ulong> heap, int parent)
    {
        var key = heap[parent];
        while ((2 * parent) + 1 is var child && child < heap.Length)
        {
            if (child + 1 < heap.Length && heap[child + 1] < heap[child])
            {
                child++;
            }

            if (heap[child] >= key)
            {
                break;
            }

            heap[parent] = heap[child];
            parent = child;
        }

        heap[parent] = key;
    }
}
