using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Stages;

/// <summary>Cuts a model into consecutive stages so that the slowest stage is as fast as possible.</summary>
public static class StageSplitter
{
    private const double ClearGain = 0.9;

    /// <summary>
    /// Splits by the multiplications that each part needs per token; the embedding look-up counts as nothing, the LM head as its matrix.
    /// </summary>
    /// <exception cref="IotaException">There are more stages than blocks, or none.</exception>
    public static ImmutableArray<BlockRange> Split(ModelConfiguration model, int stages) =>
        Split(Enumerable.Repeat(BlockCost(model), model.BlockCount).ToArray(), 0, (double)model.VocabularySize * model.HiddenSize, stages);

    /// <summary>
    /// Splits by measured costs where they matter: measurements differ from run to run, so the split by multiplications stays unless
    /// the measured one makes the slowest stage clearly faster.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="stages">Number of stages.</param>
    /// <param name="measured">What the model's parts cost.</param>
    /// <exception cref="IotaException">There are more stages than blocks, or none.</exception>
    public static ImmutableArray<BlockRange> Split(ModelConfiguration model, int stages, PartCosts measured)
    {
        var computed = Split(model, stages);
        var blocks = Enumerable.Repeat(measured.Block.TotalSeconds, model.BlockCount).ToArray();
        var better = Split(blocks, measured.Embedding.TotalSeconds, measured.Head.TotalSeconds, stages);
        return Slowest(better) < ClearGain * Slowest(computed) ? better : computed;

        double Slowest(ImmutableArray<BlockRange> split) => split.Max(stage =>
            (stage.Count * measured.Block.TotalSeconds)
            + (stage.First == 0 ? measured.Embedding.TotalSeconds : 0)
            + (stage.End == model.BlockCount ? measured.Head.TotalSeconds : 0));
    }

    /// <summary>Splits by given costs, in any unit.</summary>
    /// <param name="blockCosts">Cost of each block.</param>
    /// <param name="embeddingCost">Cost that the first stage bears besides its blocks.</param>
    /// <param name="headCost">Cost that the last stage bears besides its blocks.</param>
    /// <param name="stages">Number of stages; each gets at least one block.</param>
    /// <exception cref="IotaException">There are more stages than blocks, or none.</exception>
    public static ImmutableArray<BlockRange> Split(IReadOnlyList<double> blockCosts, double embeddingCost, double headCost, int stages)
    {
        var blocks = blockCosts.Count;
        if (stages < 1 || stages > blocks)
        {
            throw new IotaException(ExitCode.Usage, $"{stages} stages cannot share {blocks} blocks: choose --stages from 1 to {blocks}");
        }

        // best[k, n]: the smallest possible maximum when the first n blocks form k stages. Ties give the earlier stages more blocks.
        var best = new double[stages + 1, blocks + 1];
        var cut = new int[stages + 1, blocks + 1];
        for (var n = 1; n <= blocks; n++)
        {
            best[0, n] = double.PositiveInfinity;
        }

        for (var k = 1; k <= stages; k++)
        {
            best[k, 0] = double.PositiveInfinity;
            for (var n = 1; n <= blocks; n++)
            {
                best[k, n] = double.PositiveInfinity;
                var cost = k == stages ? headCost : 0;
                for (var first = n - 1; first >= k - 1; first--)
                {
                    cost += blockCosts[first] + (first == 0 ? embeddingCost : 0);
                    var slowest = Math.Max(best[k - 1, first], cost);
                    if (slowest < best[k, n])
                    {
                        (best[k, n], cut[k, n]) = (slowest, first);
                    }
                }
            }
        }

        var ranges = new BlockRange[stages];
        for (int k = stages, end = blocks; k > 0; end = cut[k, end], k--)
        {
            ranges[k - 1] = new BlockRange(cut[k, end], end - cut[k, end]);
        }

        return [.. ranges];
    }

    /// <summary>Multiplications of one block per token: its matrices, plus attention over half the context on average.</summary>
    private static double BlockCost(ModelConfiguration model)
    {
        var attention = (2.0 * model.HiddenSize * model.HiddenSize) + (2.0 * model.HiddenSize * model.KeyValueHeadCount * model.HeadSize);
        return attention + (3.0 * model.HiddenSize * model.IntermediateSize) + ((double)model.ContextLength * model.HiddenSize);
    }
}
