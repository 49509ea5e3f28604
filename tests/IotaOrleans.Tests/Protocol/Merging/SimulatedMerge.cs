using IotaOrleans.Protocol.Merging;

namespace IotaOrleans.Tests.Protocol.Merging;

/// <summary>A whole merge in memory: every miner sends, reduces, reports, receives and assembles, and every byte that moves is counted.</summary>
internal sealed class SimulatedMerge
{
    private readonly MergeSettings _settings;
    private readonly Dictionary<(int Cell, string Miner), float[]> _copies = [];

    public SimulatedMerge(int miners, int length, int seed, MergeSettings? settings = null, int granularity = 1)
    {
        var random = new Random(seed);
        _settings = settings ?? new MergeSettings { AlwaysAskShare = 0 };
        Secret = new byte[MergeCommitment.SecretBytes];
        random.NextBytes(Secret);
        Miners = [.. Enumerable.Range(0, miners).Select(index => $"m{index:00}")];
        Updates = [.. Miners.Select(_ => Values(random, length))];
        Weights = [.. Miners.Select(_ => (double)random.Next(1, 50))];
        LastAgreed = Values(random, length);
        Map = ButterflyMap.Create(Miners, Secret, length, _settings.Owners, granularity);
        Tally = MergeTally.Begin(Map, _settings);
        Sent = Miners.ToDictionary(miner => miner, _ => 0L);
        Received = Miners.ToDictionary(miner => miner, _ => 0L);
    }

    public byte[] Secret { get; }

    public string[] Miners { get; }

    public float[][] Updates { get; }

    public double[] Weights { get; }

    public float[] LastAgreed { get; }

    public ButterflyMap Map { get; }

    public MergeTally Tally { get; private set; }

    /// <summary>Miners that are lost after the uploads and before they reduce anything.</summary>
    public string[] Lost { get; init; } = [];

    /// <summary>What a miner makes of a cell that it reduced; honest miners leave it as it is.</summary>
    public Func<string, MergeCell, float[], float[]> Tamper { get; init; } = (_, _, copy) => copy;

    public Dictionary<string, long> Sent { get; }

    public Dictionary<string, long> Received { get; }

    /// <summary>The stage as each living miner assembled it.</summary>
    public Dictionary<string, float[]> Stages { get; } = [];

    public SimulatedMerge Run()
    {
        foreach (var miner in Lost)
        {
            Tally = Tally.Lose(miner);
        }

        foreach (var cell in Map.Cells.Where(cell => cell.Length > 0))
        {
            foreach (var owner in cell.Owners.Except(Lost))
            {
                Reduce(cell, owner);
            }
        }

        while (Tally.Asked is { IsEmpty: false } asked)
        {
            foreach (var (cell, arbiter) in asked)
            {
                Reduce(Map.Cells[cell], arbiter);
            }
        }

        foreach (var miner in Miners.Except(Lost))
        {
            float[] stage = [.. LastAgreed];
            StageAssembler.Assemble(Map.Cells, Tally.Decisions, cell => Fetch(cell, miner), stage).Should().BeEmpty();
            Stages[miner] = stage;
        }

        return this;
    }

    private static float[] Values(Random random, int length) => [.. Enumerable.Range(0, length).Select(_ => (float)((random.NextDouble() * 2) - 1))];

    private void Reduce(MergeCell cell, string miner)
    {
        var contributions = Miners.Select((sender, index) => Move(sender, miner, Updates[index].AsMemory((int)cell.Start, (int)cell.Length))).ToArray();
        var copy = new float[cell.Length];
        CellReducer.Reduce(contributions, Weights, [], _settings, copy).IsMissing.Should().BeFalse();
        _copies[(cell.Index, miner)] = Tamper(miner, cell, copy);
        Tally = Tally.Add(new CellCopy(cell.Index, miner, CopyHash.Of(_copies[(cell.Index, miner)])));
    }

    private ReadOnlyMemory<float> Fetch(int cell, string miner) => Map.Sender(Tally.Decisions[cell], miner) is { } sender
        ? Move(sender, miner, _copies[(cell, sender)])
        : _copies[(cell, miner)];

    private ReadOnlyMemory<float> Move(string from, string to, ReadOnlyMemory<float> values)
    {
        if (from != to)
        {
            Sent[from] += values.Length * sizeof(float);
            Received[to] += values.Length * sizeof(float);
        }

        return values;
    }
}
