using System.Collections.Immutable;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;

namespace IotaOrleans.Protocol.Attribution;

/// <summary>
/// Contribution Loss Assessment via Sampling of Pathways (IOTA, 2025): finds the miners that make losses worse, from nothing but losses and
/// pathways. The loss of a micro-batch is modelled as a sum of one effect per stage, loss = μ + Σ effect(stage, miner) + noise, and fitted by least
/// squares: unlike a miner's mean loss, its effect does not contain what the miners do that it happens to work with.
/// </summary>
/// <remarks>
/// Keeps sums only, so it runs beside a run of any length: memory grows with the square of the number of miners. Not safe for several threads.
/// </remarks>
public sealed class Clasp
{
    // Against pathways that always go through the same pair of miners, which no data can tell apart: their errors become huge instead of infinite.
    private const double Ridge = 1e-9;

    private const double MostOfStage = 0.8;
    private const double LargestWeight = 1e6;

    private readonly ClaspSettings _settings;
    private readonly Dictionary<(int Stage, string Miner), int> _columns = [];
    private readonly List<(int Stage, string Miner)> _miners = [];
    private double[,] _together = new double[8, 8];
    private double[] _losses = new double[8];
    private double _squares;
    private double _total;
    private double _samples;
    private double _weight = 1;
    private int _looks;

    /// <summary>Begins with no samples.</summary>
    public Clasp(ClaspSettings? settings = null) => _settings = settings ?? new ClaspSettings();

    /// <summary>Samples so far, as they are weighted.</summary>
    public double Samples => _samples / _weight;

    /// <summary>Adds a micro-batch.</summary>
    /// <param name="pathway">The miners that ran it, by stage.</param>
    /// <param name="loss">Its loss, nats per token. When the losses of a run fall with time, what is left after subtracting their trend.</param>
    /// <exception cref="ArgumentOutOfRangeException">The loss is not finite.</exception>
    public void Add(ImmutableArray<string> pathway, double loss)
    {
        if (!double.IsFinite(loss))
        {
            throw new ArgumentOutOfRangeException(nameof(loss), loss, "a loss must be a finite number");
        }

        Span<int> columns = stackalloc int[pathway.Length];
        for (var stage = 0; stage < pathway.Length; stage++)
        {
            columns[stage] = ColumnOf(stage, pathway[stage]);
        }

        foreach (var one in columns)
        {
            _losses[one] += _weight * loss;
            foreach (var other in columns)
            {
                _together[one, other] += _weight;
            }
        }

        _samples += _weight;
        _total += _weight * loss;
        _squares += _weight * loss * loss;
        _weight /= _settings.Memory;
        if (_weight > LargestWeight)
        {
            Rescale();
        }
    }

    /// <summary>
    /// What each miner does to the loss, by stage and name. Every call is a look, and the more often one looks the more certain an accusation
    /// has to be: look k gets 6/(π²k²) of the false alarm rate, and miners share it by Holm's method.
    /// </summary>
    public ImmutableArray<MinerEffect> Look()
    {
        _looks++;
        Rescale();
        var judged = Enumerable.Range(0, _miners.Count)
            .Where(column => _together[column, column] >= _settings.MinimumSamples && MostAreKnown(_miners[column].Stage))
            .OrderBy(column => _miners[column].Stage)
            .ThenBy(column => _miners[column].Miner, StringComparer.Ordinal)
            .ToArray();
        var free = FreeColumns();
        if (judged.Length == 0 || _samples <= free.Length + 1)
        {
            return [];
        }

        var (effects, covariance) = Fit(free);
        var found = judged.Select(column => Compare(column, judged, effects, covariance)).ToArray();
        return Accuse(found, _settings.FalseAlarmRate * 6 / (Math.PI * Math.PI * _looks * _looks));
    }

    /// <summary>Holm (1979): the k-th smallest probability must be below the rate over the tests that are left.</summary>
    private ImmutableArray<MinerEffect> Accuse(MinerEffect[] found, double rate)
    {
        var ordered = found.OrderBy(effect => effect.Probability).ToArray();
        var named = new HashSet<MinerEffect>();
        for (var i = 0; i < ordered.Length && ordered[i].Probability <= rate / (ordered.Length - i); i++)
        {
            if (Math.Abs(ordered[i].Effect) >= _settings.SmallestEffect)
            {
                named.Add(ordered[i]);
            }
        }

        return [.. found.Select(effect => effect with { IsHarmful = effect.Effect > 0 && named.Contains(effect), IsTooGood = effect.Effect < 0 && named.Contains(effect) })];
    }

    /// <summary>
    /// A miner against the median miner of its stage: as long as most miners of a stage are honest, that is an honest one, and the harm of the
    /// others does not make it look good.
    /// </summary>
    private MinerEffect Compare(int column, int[] judged, double[] effects, Matrix<double> covariance)
    {
        var (stage, miner) = _miners[column];
        var peers = judged.Where(peer => _miners[peer].Stage == stage).OrderBy(peer => effects[peer]).ToArray();
        var median = peers[(peers.Length - 1) / 2];
        var effect = effects[column] - effects[median];
        var variance = covariance[column, column] + covariance[median, median] - (2 * covariance[column, median]);
        var error = Math.Sqrt(Math.Max(0, variance));
        var score = error > 0 ? effect / error : 0;
        var freedom = Math.Max(1, _samples - FreeColumns().Length - 1);
        var samples = _together[column, column];
        return new MinerEffect(stage, miner, samples, _losses[column] / samples, effect, error, score, 2 * StudentT.CDF(0, 1, freedom, -Math.Abs(score)), IsHarmful: false, IsTooGood: false);
    }

    /// <summary>Solves the normal equations; the first miner of each stage is the one that the others are measured against there.</summary>
    private (double[] Effects, Matrix<double> Covariance) Fit(int[] free)
    {
        var size = free.Length + 1;
        var normal = Matrix<double>.Build.Dense(size, size);
        var right = Vector<double>.Build.Dense(size);
        (normal[0, 0], right[0]) = (_samples, _total);
        for (var i = 0; i < free.Length; i++)
        {
            normal[0, i + 1] = normal[i + 1, 0] = _together[free[i], free[i]];
            right[i + 1] = _losses[free[i]];
            for (var j = 0; j < free.Length; j++)
            {
                normal[i + 1, j + 1] = _together[free[i], free[j]];
            }
        }

        for (var i = 0; i < size; i++)
        {
            normal[i, i] += Ridge * _samples;
        }

        var inverse = normal.Cholesky().Solve(Matrix<double>.Build.DenseIdentity(size));
        var solution = inverse * right;
        var noise = Math.Max(0, _squares - (solution * right)) / Math.Max(1, _samples - size);
        var effects = new double[_miners.Count];
        var covariance = Matrix<double>.Build.Dense(_miners.Count, _miners.Count);
        for (var i = 0; i < free.Length; i++)
        {
            effects[free[i]] = solution[i + 1];
            for (var j = 0; j < free.Length; j++)
            {
                covariance[free[i], free[j]] = noise * inverse[i + 1, j + 1];
            }
        }

        return (effects, covariance);
    }

    /// <summary>The median of a few could be that of the cheats: nobody is judged before nearly all of a stage can be.</summary>
    private bool MostAreKnown(int stage)
    {
        double[] samples = [.. Enumerable.Range(0, _miners.Count).Where(column => _miners[column].Stage == stage && _together[column, column] > 0).Select(column => _together[column, column])];
        return samples.Count(count => count >= _settings.MinimumSamples) >= MostOfStage * samples.Length;
    }

    /// <summary>All miners but one of each stage.</summary>
    private int[] FreeColumns()
    {
        var seen = new HashSet<int>();
        return [.. Enumerable.Range(0, _miners.Count).Where(column => _together[column, column] > 0 && !seen.Add(_miners[column].Stage))];
    }

    /// <summary>To forget, each sample weighs a little more than the one before; now and then all weights are brought back to one for the newest.</summary>
    private void Rescale()
    {
        if (_weight == 1)
        {
            return;
        }

        for (var i = 0; i < _miners.Count; i++)
        {
            _losses[i] /= _weight;
            for (var j = 0; j < _miners.Count; j++)
            {
                _together[i, j] /= _weight;
            }
        }

        (_samples, _total, _squares, _weight) = (_samples / _weight, _total / _weight, _squares / _weight, 1);
    }

    private int ColumnOf(int stage, string miner)
    {
        if (_columns.TryGetValue((stage, miner), out var known))
        {
            return known;
        }

        var column = _miners.Count;
        _miners.Add((stage, miner));
        _columns.Add((stage, miner), column);
        if (column == _losses.Length)
        {
            Array.Resize(ref _losses, 2 * column);
            var larger = new double[2 * column, 2 * column];
            for (var i = 0; i < column; i++)
            {
                Array.Copy(_together, i * column, larger, i * 2 * column, column);
            }

            _together = larger;
        }

        return column;
    }
}
