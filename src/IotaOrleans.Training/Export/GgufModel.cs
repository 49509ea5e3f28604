using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Training.Export;

/// <summary>Writes a model as one GGUF file that llama.cpp opens: architecture <c>llama</c>, metadata, vocabulary and weights.</summary>
public static class GgufModel
{
    /// <summary>Writes the model of a folder.</summary>
    /// <param name="source">A folder with a model in Hugging Face layout, such as a checkpoint.</param>
    /// <param name="target">The new file; its folder is created when absent.</param>
    /// <param name="type">Element type of the matrices.</param>
    /// <param name="name">What the model is called.</param>
    /// <returns>Whether the vocabulary names a token that ends a text.</returns>
    /// <exception cref="IotaException">The source is no sound model or has bottlenecks, the target exists, or it cannot be written.</exception>
    public static bool Write(string source, string target, GgufType type, string name)
    {
        using var model = ModelDirectory.Open(source);
        if (model.Configuration.Bottleneck is not null)
        {
            throw new IotaException(ExitCode.Model, $"{source} has bottlenecks between its stages, which GGUF's llama has not: export it with --format hf");
        }

        if (Path.Exists(target))
        {
            throw new IotaException(ExitCode.Usage, $"{target} exists already: choose another name, or remove it");
        }

        using var writer = new GgufWriter();
        Describe(writer, model.Configuration, type, name);
        var vocabulary = GgufVocabulary.Read(source, model.Configuration.VocabularySize);
        vocabulary?.Describe(writer);
        foreach (var tensor in LlamaTensors.All(model.Configuration))
        {
            writer.Add(Named(tensor, model.Configuration, type));
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
        AtomicFile.Write(target, file => writer.Write(file, tensor => Read(model, tensor)));
        return vocabulary?.EndOfText is not null;
    }

    private static void Describe(GgufWriter writer, ModelConfiguration model, GgufType type, string name)
    {
        writer.Add("general.architecture", "llama");
        writer.Add("general.name", name);
        writer.Add("general.file_type", (uint)type);
        writer.Add("llama.vocab_size", (uint)model.VocabularySize);
        writer.Add("llama.context_length", (uint)model.ContextLength);
        writer.Add("llama.embedding_length", (uint)model.HiddenSize);
        writer.Add("llama.block_count", (uint)model.BlockCount);
        writer.Add("llama.feed_forward_length", (uint)model.IntermediateSize);
        writer.Add("llama.rope.dimension_count", (uint)model.HeadSize);
        writer.Add("llama.rope.freq_base", (float)model.RotaryBase);
        writer.Add("llama.attention.head_count", (uint)model.HeadCount);
        writer.Add("llama.attention.head_count_kv", (uint)model.KeyValueHeadCount);
        writer.Add("llama.attention.layer_norm_rms_epsilon", (float)model.NormEpsilon);
    }

    private static GgufTensor Named(LlamaTensor tensor, ModelConfiguration model, GgufType type)
    {
        var stored = tensor.Shape.Count == 1 ? GgufType.F32 : type;
        var part = tensor.Kind == LlamaTensorKind.Block ? string.Join('.', tensor.Name.Split('.')[3..]) : tensor.Name;
        var (name, heads) = part switch
        {
            "model.embed_tokens.weight" => ("token_embd.weight", 0),
            "model.norm.weight" => ("output_norm.weight", 0),
            "lm_head.weight" => ("output.weight", 0),
            "input_layernorm.weight" => ("attn_norm.weight", 0),
            "self_attn.q_proj.weight" => ("attn_q.weight", model.HeadCount),
            "self_attn.k_proj.weight" => ("attn_k.weight", model.KeyValueHeadCount),
            "self_attn.v_proj.weight" => ("attn_v.weight", 0),
            "self_attn.o_proj.weight" => ("attn_output.weight", 0),
            "post_attention_layernorm.weight" => ("ffn_norm.weight", 0),
            "mlp.gate_proj.weight" => ("ffn_gate.weight", 0),
            "mlp.up_proj.weight" => ("ffn_up.weight", 0),
            "mlp.down_proj.weight" => ("ffn_down.weight", 0),
            _ => throw new InvalidOperationException($"GGUF has no name for {tensor.Name}."),
        };
        return new GgufTensor(tensor.BlockIndex is { } block ? $"blk.{block}.{name}" : name, stored, tensor.Shape, tensor.Name, heads);
    }

    private static byte[] Read(ModelDirectory model, GgufTensor tensor)
    {
        var bytes = WeightType.Read(model, tensor.Source, tensor.Stored);
        return tensor.Heads == 0 ? bytes : Interleave(bytes, tensor.Heads, (int)tensor.Shape[0]);
    }

    /// <summary>Llama's rotation turns a head's rows i and i + half together; ggml's turns neighbours: the two are brought next to each other.</summary>
    private static byte[] Interleave(byte[] bytes, int heads, int rows)
    {
        var (rowLength, half) = (bytes.Length / rows, rows / heads / 2);
        var reordered = new byte[bytes.Length];
        for (var row = 0; row < rows; row++)
        {
            var (head, within) = Math.DivRem(row, 2 * half);
            var (isUpper, pair) = Math.DivRem(within, half);
            bytes.AsSpan(row * rowLength, rowLength).CopyTo(reordered.AsSpan(((head * 2 * half) + (2 * pair) + isUpper) * rowLength));
        }

        return reordered;
    }
}
