namespace IotaOrleans.Training.Checkpoints;

/// <summary>The parameters of a Llama model under their Hugging Face names.</summary>
public static class LlamaTensors
{
    /// <summary>Every parameter, in the order the data flows. A tied model has no <c>lm_head.weight</c>.</summary>
    public static IReadOnlyList<LlamaTensor> All(ModelConfiguration configuration)
    {
        long vocabulary = configuration.VocabularySize;
        long model = configuration.HiddenSize;
        var tensors = new List<LlamaTensor>
        {
            new("model.embed_tokens.weight", [vocabulary, model], LlamaTensorKind.Embedding),
        };
        for (int block = 0; block < configuration.BlockCount; block++)
        {
            tensors.AddRange(Block(configuration, block));
        }

        tensors.Add(new("model.norm.weight", [model], LlamaTensorKind.Norm));
        if (!configuration.TiedEmbeddings)
        {
            tensors.Add(new("lm_head.weight", [vocabulary, model], LlamaTensorKind.Head));
        }

        return tensors;
    }

    /// <summary>Name of the matrix that widens what a block receives through a bottleneck.</summary>
    public static string BottleneckUp(int block) => $"model.layers.{block}.bottleneck_up.weight";

    /// <summary>Name of the norm of what a block sends through a bottleneck.</summary>
    public static string BottleneckNorm(int block) => $"model.layers.{block}.bottleneck_norm.weight";

    /// <summary>Name of the matrix that narrows what a block sends through a bottleneck.</summary>
    public static string BottleneckDown(int block) => $"model.layers.{block}.bottleneck_down.weight";

    /// <summary>The parameters of one decoder block, with those of the bottlenecks before and after it.</summary>
    public static IReadOnlyList<LlamaTensor> Block(ModelConfiguration configuration, int block)
    {
        long model = configuration.HiddenSize;
        long queries = (long)configuration.HeadCount * configuration.HeadSize;
        long keys = (long)configuration.KeyValueHeadCount * configuration.HeadSize;
        long feedForward = configuration.IntermediateSize;
        LlamaTensor[] before = configuration.FollowsBottleneck(block) ? [Named(BottleneckUp(block), model, configuration.BoundaryWidth(block))] : [];
        LlamaTensor[] after = configuration.FollowsBottleneck(block + 1)
            ? [Named(BottleneckNorm(block), model), Named(BottleneckDown(block), configuration.BoundaryWidth(block + 1), model)]
            : [];
        return
        [
            .. before,
            Of("input_layernorm", model),
            Of("self_attn.q_proj", queries, model),
            Of("self_attn.k_proj", keys, model),
            Of("self_attn.v_proj", keys, model),
            Of("self_attn.o_proj", model, queries),
            Of("post_attention_layernorm", model),
            Of("mlp.gate_proj", feedForward, model),
            Of("mlp.up_proj", feedForward, model),
            Of("mlp.down_proj", model, feedForward),
            .. after,
        ];

        LlamaTensor Of(string name, params long[] shape) => Named($"model.layers.{block}.{name}.weight", shape);

        LlamaTensor Named(string name, params long[] shape) => new(name, shape, LlamaTensorKind.Block, block);
    }
}
