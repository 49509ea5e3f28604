using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Runs;

/// <summary>Adds up what each miner did in an epoch.</summary>
public static class WorkCounter
{
    /// <summary>Adds the reports of one completed training step.</summary>
    public static ImmutableArray<WorkRecord> Add(ImmutableArray<WorkRecord> work, IEnumerable<ShardReport> reports, long tokensPerBackward)
    {
        foreach (var report in reports)
        {
            var index = work.FindIndex(record => record.Miner == report.Miner && record.Stage == report.Stage);
            var record = index >= 0 ? work[index] : new WorkRecord { Miner = report.Miner, Stage = report.Stage };
            record = record with
            {
                ForwardPasses = record.ForwardPasses + report.ForwardPasses,
                BackwardPasses = record.BackwardPasses + report.BackwardPasses,
                Tokens = record.Tokens + (report.BackwardPasses * tokensPerBackward),
                Busy = record.Busy + report.Busy,
            };
            work = index >= 0 ? work.SetItem(index, record) : work.Add(record);
        }

        return work;
    }

    /// <summary>Adds a micro-batch that was run forward and backward by a miner of each stage.</summary>
    public static ImmutableArray<WorkRecord> Add(ImmutableArray<WorkRecord> work, ImmutableArray<string> pathway, long tokens)
    {
        for (var stage = 0; stage < pathway.Length; stage++)
        {
            var (miner, place) = (pathway[stage], stage);
            var index = work.FindIndex(record => record.Miner == miner && record.Stage == place);
            var record = index >= 0 ? work[index] : new WorkRecord { Miner = miner, Stage = stage };
            record = record with
            {
                ForwardPasses = record.ForwardPasses + 1,
                BackwardPasses = record.BackwardPasses + 1,
                Tokens = record.Tokens + tokens,
            };
            work = index >= 0 ? work.SetItem(index, record) : work.Add(record);
        }

        return work;
    }

    private static int FindIndex(this ImmutableArray<WorkRecord> work, Func<WorkRecord, bool> matches)
    {
        for (var i = 0; i < work.Length; i++)
        {
            if (matches(work[i]))
            {
                return i;
            }
        }

        return -1;
    }
}
