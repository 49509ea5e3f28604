using System.Numerics;

namespace IotaOrleans.Training.Optimizers;

/// <summary>
/// Nesterov's momentum over pseudo-gradients, as torch's SGD has it: v ← μ·v + g, then θ ← θ − lr·(g + μ·v). Works on flat vectors, or on
/// ranges of them, so that a cell whose merge failed can be passed over; every replica that takes the same step has the same bits.
/// </summary>
public sealed class OuterNesterov
{
    private readonly OuterSettings _settings;
    private readonly float[] _velocity;

    /// <summary>Creates the optimizer's state for a number of parameters.</summary>
    public OuterNesterov(OuterSettings settings, long count)
    {
        _settings = settings;
        _velocity = new float[count];
    }

    /// <summary>The running sum v of pseudo-gradients: state of the stage, equal on all replicas.</summary>
    public Span<float> Velocity => _velocity;

    /// <summary>Takes the step of a round.</summary>
    /// <param name="values">The parameters at the start of the round, or a range of them; updated in place.</param>
    /// <param name="pseudoGradient">The replicas' mean of start − local, for the same range.</param>
    /// <param name="round">The round, from one.</param>
    /// <param name="first">Index of the range's first parameter.</param>
    public void Step(Span<float> values, ReadOnlySpan<float> pseudoGradient, long round, int first = 0)
    {
        if (values.Length != pseudoGradient.Length)
        {
            throw new ArgumentException($"{pseudoGradient.Length:N0} gradients are not those of {values.Length:N0} parameters", nameof(pseudoGradient));
        }

        var velocity = _velocity.AsSpan(first, values.Length);
        var (momentum, learningRate) = ((float)_settings.MomentumAt(round), (float)_settings.LearningRate);
        var i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var g = new Vector<float>(pseudoGradient[i..]);
            var v = (new Vector<float>(velocity[i..]) * momentum) + g;
            v.CopyTo(velocity[i..]);
            (new Vector<float>(values[i..]) - (((v * momentum) + g) * learningRate)).CopyTo(values[i..]);
        }

        for (; i < values.Length; i++)
        {
            var g = pseudoGradient[i];
            var v = (velocity[i] * momentum) + g;
            velocity[i] = v;
            values[i] -= ((v * momentum) + g) * learningRate;
        }
    }
}
