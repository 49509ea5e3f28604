using System.Numerics;
using System.Runtime.InteropServices;

namespace IotaOrleans.Training.Optimizers;

/// <summary>AdamW (Loshchilov and Hutter, 2019) over flat vectors: one pass through memory per step, the same bits on every run.</summary>
public sealed class AdamW
{
    private readonly OptimizerSettings _settings;
    private readonly float[] _firstMoment;
    private readonly float[] _secondMoment;

    /// <summary>Creates the optimizer's state for a number of parameters.</summary>
    public AdamW(OptimizerSettings settings, long count)
    {
        _settings = settings;
        _firstMoment = new float[count];
        _secondMoment = new float[count];
    }

    /// <summary>Running mean of the gradient.</summary>
    public Span<float> FirstMoment => _firstMoment;

    /// <summary>Running mean of the squared gradient.</summary>
    public Span<float> SecondMoment => _secondMoment;

    /// <summary>Takes one step and clears the gradients.</summary>
    /// <param name="values">The parameters, updated in place.</param>
    /// <param name="gradients">Their gradients, set to zero.</param>
    /// <param name="decayCount">How many parameters, from the first, have weight decay.</param>
    /// <param name="step">The step, from one, for the bias correction.</param>
    /// <param name="learningRate">Learning rate of this step.</param>
    /// <param name="gradientScale">Factor on the gradients, from clipping.</param>
    public void Step(Span<float> values, Span<float> gradients, long decayCount, long step, double learningRate, double gradientScale) =>
        Step(values, gradients, decayCount, step, learningRate, gradientScale, StepHalf.Both);

    /// <summary>The first half of a step with unscaled gradients: the parameters change, to the same bits as in a whole step, and nothing else.</summary>
    /// <inheritdoc cref="Step(Span{float}, Span{float}, long, long, double, double)" path="/param" />
    public void StepValues(Span<float> values, Span<float> gradients, long decayCount, long step, double learningRate) =>
        Step(values, gradients, decayCount, step, learningRate, gradientScale: 1, StepHalf.Values);

    /// <summary>The second half of a step with unscaled gradients: the moments change, and the gradients are cleared.</summary>
    /// <inheritdoc cref="Step(Span{float}, Span{float}, long, long, double, double)" path="/param" />
    public void StepMoments(Span<float> values, Span<float> gradients, long decayCount, long step, double learningRate) =>
        Step(values, gradients, decayCount, step, learningRate, gradientScale: 1, StepHalf.Moments);

    private void Step(Span<float> values, Span<float> gradients, long decayCount, long step, double learningRate, double gradientScale, StepHalf half)
    {
        var decayed = checked((int)decayCount);
        Update(values, gradients, 0, decayed, new Constants(_settings, step, learningRate, gradientScale, _settings.WeightDecay), half);
        Update(values, gradients, decayed, values.Length, new Constants(_settings, step, learningRate, gradientScale, 0), half);
    }

    private void Update(Span<float> values, Span<float> gradients, int from, int to, in Constants constants, StepHalf half)
    {
        var (changesValues, changesMoments) = (half != StepHalf.Moments, half != StepHalf.Values);
        ref var value = ref MemoryMarshal.GetReference(values);
        ref var gradient = ref MemoryMarshal.GetReference(gradients);
        ref var first = ref MemoryMarshal.GetArrayDataReference(_firstMoment);
        ref var second = ref MemoryMarshal.GetArrayDataReference(_secondMoment);

        var i = from;
        for (; i <= to - Vector<float>.Count; i += Vector<float>.Count)
        {
            var offset = (nuint)i;
            var g = Vector.LoadUnsafe(ref gradient, offset) * constants.GradientScale;
            var m = (Vector.LoadUnsafe(ref first, offset) * constants.Beta1) + (g * constants.OneMinusBeta1);
            var v = (Vector.LoadUnsafe(ref second, offset) * constants.Beta2) + (g * g * constants.OneMinusBeta2);
            var denominator = (Vector.SquareRoot(v) * constants.InverseRootCorrection2) + new Vector<float>(constants.Epsilon);
            var next = (Vector.LoadUnsafe(ref value, offset) * constants.Decay) - (m * constants.StepSize / denominator);
            if (changesValues)
            {
                next.StoreUnsafe(ref value, offset);
            }

            if (changesMoments)
            {
                m.StoreUnsafe(ref first, offset);
                v.StoreUnsafe(ref second, offset);
                Vector<float>.Zero.StoreUnsafe(ref gradient, offset);
            }
        }

        for (; i < to; i++)
        {
            var g = gradients[i] * constants.GradientScale;
            var m = (_firstMoment[i] * constants.Beta1) + (g * constants.OneMinusBeta1);
            var v = (_secondMoment[i] * constants.Beta2) + (g * g * constants.OneMinusBeta2);
            var denominator = (MathF.Sqrt(v) * constants.InverseRootCorrection2) + constants.Epsilon;
            if (changesValues)
            {
                values[i] = (values[i] * constants.Decay) - (m * constants.StepSize / denominator);
            }

            if (changesMoments)
            {
                (_firstMoment[i], _secondMoment[i], gradients[i]) = (m, v, 0);
            }
        }
    }

    /// <summary>What of a step is taken.</summary>
    private enum StepHalf
    {
        Both,
        Values,
        Moments,
    }

    private readonly struct Constants(OptimizerSettings settings, long step, double learningRate, double gradientScale, double weightDecay)
    {
        public float GradientScale { get; } = (float)gradientScale;

        public float Beta1 { get; } = (float)settings.Beta1;

        public float OneMinusBeta1 { get; } = (float)(1 - settings.Beta1);

        public float Beta2 { get; } = (float)settings.Beta2;

        public float OneMinusBeta2 { get; } = (float)(1 - settings.Beta2);

        public float Epsilon { get; } = (float)settings.Epsilon;

        public float Decay { get; } = (float)(1 - (learningRate * weightDecay));

        public float StepSize { get; } = (float)(learningRate / (1 - Math.Pow(settings.Beta1, step)));

        public float InverseRootCorrection2 { get; } = (float)(1 / Math.Sqrt(1 - Math.Pow(settings.Beta2, step)));
    }
}
