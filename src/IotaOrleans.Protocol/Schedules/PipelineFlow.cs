using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Schedules;

/// <summary>
/// Runs the programs of all ranks against each other: each rank does its passes in order, each pass as soon as its inputs are there.
/// What a pass needs is written here once, for the proof and for the simulation.
/// </summary>
internal sealed class PipelineFlow
{
    private readonly ImmutableArray<ImmutableArray<StageOp>> _programs;
    private readonly int _microBatches;
    private readonly double[] _activations;
    private readonly double[] _gradients;
    private readonly int[] _next;

    public PipelineFlow(ImmutableArray<ImmutableArray<StageOp>> programs, int microBatches, int chunks)
    {
        _programs = programs;
        _microBatches = microBatches;
        Pieces = programs.Length * chunks;
        _next = new int[programs.Length];
        _activations = NotYet(Pieces * microBatches);
        _gradients = NotYet(Pieces * microBatches);
    }

    public int Pieces { get; }

    /// <summary>Index of the pass at which each rank stands.</summary>
    public IReadOnlyList<int> Next => _next;

    public int PieceOf(int rank, StageOp op) => (op.Chunk * _programs.Length) + rank;

    /// <summary>Runs as many passes as can be run.</summary>
    /// <param name="run">Given the rank, the pass and when its inputs left the ranks that made them (at least zero): when the pass ends.</param>
    /// <param name="delay">How long the result of a piece takes to another rank.</param>
    public void Run(Func<int, StageOp, double, double> run, Func<int, double> delay)
    {
        var ranks = new Queue<int>(Enumerable.Range(0, _programs.Length));
        while (ranks.TryDequeue(out var rank))
        {
            var before = _next[rank];
            while (_next[rank] < _programs[rank].Length && ReadyAt(rank, _programs[rank][_next[rank]], delay) is { } ready)
            {
                var op = _programs[rank][_next[rank]];
                Complete(rank, op, run(rank, op, ready));
                _next[rank]++;
            }

            // Only the neighbours in the ring can have been waiting for this rank.
            if (_next[rank] > before && _programs.Length > 1)
            {
                ranks.Enqueue((rank + 1) % _programs.Length);
                ranks.Enqueue((rank + _programs.Length - 1) % _programs.Length);
            }
        }
    }

    /// <summary>The input that a pass waits for, or null when all are there.</summary>
    public string? MissingInput(int rank, StageOp op)
    {
        var piece = PieceOf(rank, op);
        return op.Kind switch
        {
            StageOpKind.Forward => piece == 0 || Has(_activations, piece - 1, op) ? null : $"the activation of piece {piece - 1}",
            StageOpKind.BackwardWeights => Has(_gradients, piece, op) ? null : "its own input gradient",
            _ when !Has(_activations, piece, op) => "its own forward pass",
            _ => piece == Pieces - 1 || Has(_gradients, piece + 1, op) ? null : $"the gradient of piece {piece + 1}",
        };
    }

    private double? ReadyAt(int rank, StageOp op, Func<int, double> delay)
    {
        if (MissingInput(rank, op) is not null)
        {
            return null;
        }

        var piece = PieceOf(rank, op);
        return op.Kind switch
        {
            StageOpKind.Forward when piece > 0 => Arrival(_activations, piece - 1, op, delay),
            StageOpKind.Backward or StageOpKind.BackwardInput when piece < Pieces - 1 => Arrival(_gradients, piece + 1, op, delay),
            _ => 0,
        };
    }

    private void Complete(int rank, StageOp op, double end)
    {
        var produced = op.Kind == StageOpKind.Forward ? _activations : op.IsBackward ? _gradients : null;
        if (produced is not null)
        {
            produced[(PieceOf(rank, op) * _microBatches) + op.MicroBatch] = end;
        }
    }

    private bool Has(double[] produced, int piece, StageOp op) => !double.IsNaN(produced[(piece * _microBatches) + op.MicroBatch]);

    // On a single rank nothing travels.
    private double Arrival(double[] produced, int piece, StageOp op, Func<int, double> delay) =>
        produced[(piece * _microBatches) + op.MicroBatch] + (_programs.Length > 1 ? delay(piece) : 0);

    private static double[] NotYet(int length)
    {
        var times = new double[length];
        Array.Fill(times, double.NaN);
        return times;
    }
}
