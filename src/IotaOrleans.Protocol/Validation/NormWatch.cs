namespace IotaOrleans.Protocol.Validation;

/// <summary>
/// Notices tensors that are out of all proportion to those that came before them through the same boundary, whoever sent those. That is no
/// proof of anything, and costs nearly nothing: whoever sent one is checked.
/// </summary>
/// <param name="ratio">How many times the usual norm, or which part of it, is strange.</param>
public sealed class NormWatch(double ratio)
{
    /// <summary>Norms that are remembered.</summary>
    public const int Window = 32;

    /// <summary>Norms before which nothing is strange.</summary>
    public const int Least = 8;

    private readonly double[] _norms = new double[Window];
    private readonly double[] _sorted = new double[Window];
    private int _count;
    private int _next;

    /// <summary>The median of the norms that are remembered, or null when they are too few.</summary>
    public double? Usual
    {
        get
        {
            if (_count < Least)
            {
                return null;
            }

            _norms.AsSpan(0, _count).CopyTo(_sorted);
            var sorted = _sorted.AsSpan(0, _count);
            sorted.Sort();
            return sorted[_count / 2];
        }
    }

    /// <summary>Whether a norm is out of proportion to those that are remembered, or none at all.</summary>
    /// <param name="norm">Root of the mean square.</param>
    public bool IsStrange(double norm) => !double.IsFinite(norm) || (Usual is { } usual && (norm > usual * ratio || norm < usual / ratio));

    /// <summary>
    /// Remembers a norm of what was learnt from. Were those remembered that are refused, who sends the most could make the others strange.
    /// </summary>
    /// <param name="norm">Root of the mean square; what is no number is passed over.</param>
    public void Remember(double norm)
    {
        if (double.IsFinite(norm))
        {
            _norms[_next] = norm;
            _next = (_next + 1) % Window;
            _count = Math.Min(_count + 1, Window);
        }
    }
}
