using System.Collections.Immutable;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Grains.Shards;

/// <summary>
/// A miner that holds several stages follows one schedule with all of them (interleaved 1F1B): a stage runs its next pass when it is
/// its turn. All of these stages share a lane, and only the lane's thread calls this.
/// </summary>
internal sealed class MinerTurns
{
    private readonly ImmutableArray<StageTurn> _turns;
    private readonly Dictionary<int, Action> _wake = [];
    private long _sequence;
    private int _next;

    public MinerTurns(TrainingRunSpecification specification, string miner) => _turns = StageProgram.TurnsOf(specification, miner);

    /// <summary>Adds a stage and the way to wake it.</summary>
    public void Join(int stage, Action wake) => _wake[stage] = wake;

    /// <summary>Removes a stage.</summary>
    public void Leave(int stage) => _wake.Remove(stage);

    /// <summary>Whether a stage may run an instruction now; only passes of training orders take turns.</summary>
    public bool IsTurnOf(int stage, WorkOrder order, StageOp op)
    {
        if (!TakesTurns(order, op))
        {
            return true;
        }

        if (_next == _turns.Length && order.Sequence > _sequence)
        {
            _next = 0;
        }

        if (_next == 0)
        {
            _sequence = order.Sequence;
        }

        return order.Sequence == _sequence && _next < _turns.Length && _turns[_next].Stage == stage;
    }

    /// <summary>Notes that a stage ran its pass and wakes the one whose turn is next.</summary>
    public void Took(int stage, WorkOrder order, StageOp op)
    {
        if (!TakesTurns(order, op))
        {
            return;
        }

        _next++;
        var following = _turns[_next % _turns.Length].Stage;
        if (following != stage && _wake.TryGetValue(following, out var wake))
        {
            wake();
        }
    }

    private static bool TakesTurns(WorkOrder order, StageOp op) => order.Kind == WorkKind.Train
        && op.Kind is StageOpKind.Forward or StageOpKind.Backward or StageOpKind.BackwardInput or StageOpKind.BackwardWeights;
}
