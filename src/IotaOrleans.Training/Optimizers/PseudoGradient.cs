using System.Numerics;

namespace IotaOrleans.Training.Optimizers;

/// <summary>What a replica's local steps have changed, as a gradient that an outer optimizer can follow (Reddi et al., 2020).</summary>
public static class PseudoGradient
{
    /// <summary>Computes start − local.</summary>
    /// <param name="start">The parameters at the start of the round, which all replicas share.</param>
    /// <param name="local">The replica's own after its local steps.</param>
    /// <param name="destination">Receives the difference; may be either of the two.</param>
    public static void Compute(ReadOnlySpan<float> start, ReadOnlySpan<float> local, Span<float> destination)
    {
        if (start.Length != local.Length || start.Length != destination.Length)
        {
            throw new ArgumentException($"{start.Length:N0}, {local.Length:N0} and {destination.Length:N0} parameters are not those of one stage", nameof(local));
        }

        var i = 0;
        for (; i <= start.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(start[i..]) - new Vector<float>(local[i..])).CopyTo(destination[i..]);
        }

        for (; i < start.Length; i++)
        {
            destination[i] = start[i] - local[i];
        }
    }
}
