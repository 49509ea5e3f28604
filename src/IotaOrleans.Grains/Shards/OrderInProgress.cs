using System.Collections.Immutable;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Grains.Shards;

/// <summary>An order under way in one stage: how far its program is, and what it has counted.</summary>
internal sealed class OrderInProgress(WorkOrder order, ImmutableArray<StageOp> program)
{
    private double _lossSum;
    private int _lossSequences;

    public WorkOrder Order { get; } = order;

    public ImmutableArray<StageOp> Program { get; } = program;

    public int Next { get; set; }

    public StageOp NextOp => Program[Next];

    public bool IsDone => Next == Program.Length;

    public int ForwardPasses { get; set; }

    public int BackwardPasses { get; set; }

    public TimeSpan Busy { get; private set; }

    public PassTimes Passes { get; private set; }

    public double SumOfSquares { get; set; }

    public double? GradientNorm { get; set; }

    public UInt128? StateHash { get; set; }

    public double? MeanLoss => _lossSequences == 0 ? null : _lossSum / _lossSequences;

    public void AddTime(StageOpKind pass, TimeSpan time)
    {
        Busy += time;
        Passes = pass switch
        {
            StageOpKind.Forward => Passes with { Forward = Passes.Forward + time },
            StageOpKind.Backward or StageOpKind.BackwardInput => Passes with { BackwardInput = Passes.BackwardInput + time },
            StageOpKind.BackwardWeights => Passes with { BackwardWeights = Passes.BackwardWeights + time },
            _ => Passes,
        };
    }

    public void AddLoss(double loss, int sequences)
    {
        _lossSum += loss * sequences;
        _lossSequences += sequences;
    }
}
