using IotaOrleans.Protocol.Stages;
using IotaOrleans.Tests.Checkpoints;
using IotaOrleans.Training.Checking;
using IotaOrleans.Training.Checkpoints;
using IotaOrleans.Training.Export;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Tests.Export;

public sealed class ExportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("llama-gqa", SafetensorsDType.F32)]
    [InlineData("llama-gqa", SafetensorsDType.BF16)]
    [InlineData("llama-tied", SafetensorsDType.F16)]
    public void A_model_of_others_comes_out_as_it_came_in(string name, SafetensorsDType type)
    {
        // A model of others in any type and in several files, with things in its folder that are not ours; its reference results are of fp32.
        HuggingFaceFolder.Write(GoldenModels.Folder(name), _folder.File("theirs"), type, largestFile: 20_000).Should().BeGreaterThan(1);
        File.Delete(_folder.File("theirs/golden.json"));
        File.WriteAllText(_folder.File("theirs/tokenizer_config.json"), "{\"theirs\": true}");
        File.WriteAllText(_folder.File("theirs/weights.bin"), "not a part of it");
        var configuration = File.ReadAllText(_folder.File("theirs/config.json")).Replace("\"vocab_size\"", "\"their_own_field\": [1, 2],\n  \"vocab_size\"", StringComparison.Ordinal);
        File.WriteAllText(_folder.File("theirs/config.json"), configuration);

        HuggingFaceFolder.Write(_folder.File("theirs"), _folder.File("imported"), type: null, largestFile: 1_000_000_000).Should().Be(1);
        HuggingFaceFolder.Write(_folder.File("imported"), _folder.File("exported"), type: null, largestFile: 30_000).Should().BeGreaterThan(1);

        using var before = ModelDirectory.Open(_folder.File("theirs"));
        using var after = ModelDirectory.Open(_folder.File("exported"));
        after.Tensors.Keys.Should().BeEquivalentTo(before.Tensors.Keys);
        foreach (var (tensor, entry) in before.Tensors)
        {
            after.Tensors[tensor].DType.Should().Be(type).And.Be(entry.DType);
            Bytes(after, tensor).Should().Equal(Bytes(before, tensor), tensor);
        }

        File.ReadAllText(_folder.File("exported/config.json")).Should().Contain("their_own_field");
        File.ReadAllText(_folder.File("exported/tokenizer_config.json")).Should().Be("{\"theirs\": true}");
        File.Exists(_folder.File("exported/weights.bin")).Should().BeFalse();
        ModelChecker.Check(_folder.File("exported"), model => StageSplitter.Split(model, 2)).Passed.Should().BeTrue();
    }

    [Fact]
    public void Each_file_is_as_large_as_asked_for_and_the_index_counts_them()
    {
        var files = HuggingFaceFolder.Write(GoldenModels.Folder("llama-gqa"), _folder.File("split"), SafetensorsDType.F32, largestFile: 40_000);

        var names = Directory.GetFiles(_folder.File("split"), "*.safetensors").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).ToArray();
        names.Should().Equal(Enumerable.Range(1, files).Select(i => $"model-{i:D5}-of-{files:D5}.safetensors"));
        using var model = ModelDirectory.Open(_folder.File("split"));
        foreach (var file in names)
        {
            using var weights = SafetensorsFile.Open(_folder.File($"split/{file}"));
            (weights.Tensors.Count == 1 || weights.Tensors.Values.Sum(tensor => tensor.Length) <= 40_000).Should().BeTrue();
        }

        using var index = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(_folder.File("split/model.safetensors.index.json")));
        index.RootElement.GetProperty("metadata").GetProperty("total_size").GetInt64().Should().Be(model.Tensors.Values.Sum(tensor => tensor.Length));
        index.RootElement.GetProperty("weight_map").EnumerateObject().Should().HaveCount(model.Tensors.Count);
    }

    [Fact]
    public void Half_precision_is_the_nearest_there_is()
    {
        HuggingFaceFolder.Write(GoldenModels.Folder("llama-gqa"), _folder.File("short"), SafetensorsDType.BF16, largestFile: long.MaxValue);

        using var exact = ModelDirectory.Open(GoldenModels.Folder("llama-gqa"));
        using var rounded = ModelDirectory.Open(_folder.File("short"));
        foreach (var (name, entry) in exact.Tensors)
        {
            var (values, others) = (new float[entry.ElementCount], new float[entry.ElementCount]);
            exact.ReadSingles(name, values);
            rounded.ReadSingles(name, others);
            for (var i = 0; i < values.Length; i++)
            {
                // Half a unit in the eighth digit of the significand.
                Math.Abs(values[i] - others[i]).Should().BeLessThanOrEqualTo(Math.Abs(values[i]) / 256);
            }
        }

        File.ReadAllText(_folder.File("short/config.json")).Should().Contain("\"torch_dtype\": \"bfloat16\"");
    }

    [Theory]
    [InlineData("llama-gqa", GgufType.F32)]
    [InlineData("llama-gqa", GgufType.F16)]
    [InlineData("llama-tied", GgufType.F32)]
    public void Every_field_of_a_GGUF_file_is_the_models(string name, GgufType type)
    {
        var source = Copy(name);
        var symbols = "\né" + string.Concat(Enumerable.Range(' ', 58).Select(scalar => (char)scalar));
        CharacterTokenizer.FromSymbols(symbols).Save(source);

        GgufModel.Write(source, _folder.File("model.gguf"), type, "golden").Should().BeFalse("characters have no end of text");

        var gguf = new GgufReader(_folder.File("model.gguf"));
        using var model = ModelDirectory.Open(source);
        var shape = model.Configuration;
        gguf.Version.Should().Be(3);
        var vocabulary = shape.VocabularySize;
        gguf.Metadata.Should().BeEquivalentTo(new Dictionary<string, object>
        {
            ["general.architecture"] = "llama",
            ["general.name"] = "golden",
            ["general.file_type"] = (uint)type,
            ["llama.vocab_size"] = (uint)vocabulary,
            ["llama.context_length"] = (uint)shape.ContextLength,
            ["llama.embedding_length"] = (uint)shape.HiddenSize,
            ["llama.block_count"] = (uint)shape.BlockCount,
            ["llama.feed_forward_length"] = (uint)shape.IntermediateSize,
            ["llama.rope.dimension_count"] = (uint)shape.HeadSize,
            ["llama.rope.freq_base"] = (float)shape.RotaryBase,
            ["llama.attention.head_count"] = (uint)shape.HeadCount,
            ["llama.attention.head_count_kv"] = (uint)shape.KeyValueHeadCount,
            ["llama.attention.layer_norm_rms_epsilon"] = (float)shape.NormEpsilon,
            ["tokenizer.ggml.model"] = "gpt2",
            ["tokenizer.ggml.pre"] = "gpt-2",
            ["tokenizer.ggml.tokens"] = gguf.Metadata["tokenizer.ggml.tokens"],
            ["tokenizer.ggml.token_type"] = Enumerable.Range(0, vocabulary).Select(id => (object)(id < symbols.Length ? 1 : 5)).ToArray(),
            ["tokenizer.ggml.merges"] = Array.Empty<object>(),
            ["tokenizer.ggml.add_bos_token"] = false,
        });
        var tokens = (object[])gguf.Metadata["tokenizer.ggml.tokens"];
        tokens.Should().HaveCount(vocabulary).And.OnlyHaveUniqueItems();
        (tokens[symbols.IndexOf('A')], tokens[symbols.IndexOf(' ')], tokens[0], tokens[1]).Should().Be(("A", "Ġ", "Ċ", "Ã©"));

        gguf.Tensors.Should().HaveCount(model.Tensors.Count);
        foreach (var (tensor, entry) in model.Tensors)
        {
            var ours = gguf.Tensors[GgufName(tensor)];
            ours.InnermostFirst.Should().Equal(entry.Shape.Reverse());
            ours.Type.Should().Be(entry.Shape.Count == 1 ? 0u : (uint)type, "vectors stay in single precision");
            var values = new float[entry.ElementCount];
            model.ReadSingles(tensor, values);
            var heads = tensor.Contains("q_proj", StringComparison.Ordinal) ? shape.HeadCount : tensor.Contains("k_proj", StringComparison.Ordinal) ? shape.KeyValueHeadCount : 0;
            var expected = heads > 0 ? Neighbours(values, heads, (int)entry.Shape[0]) : values;
            gguf.Read(GgufName(tensor)).Should().Equal(ours.Type == 0 ? expected : [.. expected.Select(value => (float)(Half)value)], tensor);
        }
    }

    [Fact]
    public void Scores_are_the_same_in_the_order_of_ggml()
    {
        // One head of eight, rotated by Hugging Face's rule with its order of rows and by ggml's with the exported one.
        var source = Copy("llama-gqa");
        GgufModel.Write(source, _folder.File("model.gguf"), GgufType.F32, "golden");
        using var model = ModelDirectory.Open(source);
        var shape = model.Configuration;
        var gguf = new GgufReader(_folder.File("model.gguf"));
        var (width, size) = (shape.HiddenSize, shape.HeadSize);
        var input = Enumerable.Range(0, width).Select(i => Math.Sin(i + 1)).ToArray();
        var (queries, keys) = (new float[shape.HeadCount * size * width], new float[shape.KeyValueHeadCount * size * width]);
        model.ReadSingles("model.layers.0.self_attn.q_proj.weight", queries);
        model.ReadSingles("model.layers.0.self_attn.k_proj.weight", keys);

        for (var position = 0; position < 5; position++)
        {
            var theirs = Dot(Halves(Head(queries, input, size), position, shape.RotaryBase), Halves(Head(keys, input, size), 2, shape.RotaryBase));
            var ours = Dot(Pairs(Head(gguf.Read("blk.0.attn_q.weight"), input, size), position, shape.RotaryBase), Pairs(Head(gguf.Read("blk.0.attn_k.weight"), input, size), 2, shape.RotaryBase));
            ours.Should().BeApproximately(theirs, 1e-9 * Math.Max(1, Math.Abs(theirs)));
        }
    }

    [Fact]
    public void What_is_there_is_not_overwritten()
    {
        Directory.CreateDirectory(_folder.File("taken"));

        FluentActions.Invoking(() => HuggingFaceFolder.Write(GoldenModels.Folder("llama-gqa"), _folder.File("taken"), null, 1)).Should().Throw<IotaException>().Which.ExitCode.Should().Be(ExitCode.Usage);
        FluentActions.Invoking(() => GgufModel.Write(GoldenModels.Folder("llama-gqa"), _folder.File("taken"), GgufType.F32, "x")).Should().Throw<IotaException>().Which.ExitCode.Should().Be(ExitCode.Usage);
    }

    private static double[] Head(float[] rows, double[] input, int size) =>
        [.. Enumerable.Range(0, size).Select(row => Enumerable.Range(0, input.Length).Sum(i => rows[(row * input.Length) + i] * input[i]))];

    private static double[] Halves(double[] head, int position, double rotaryBase)
    {
        var (half, rotated) = (head.Length / 2, new double[head.Length]);
        for (var i = 0; i < half; i++)
        {
            var (sine, cosine) = Math.SinCos(position * Math.Pow(rotaryBase, -2.0 * i / head.Length));
            (rotated[i], rotated[i + half]) = ((head[i] * cosine) - (head[i + half] * sine), (head[i + half] * cosine) + (head[i] * sine));
        }

        return rotated;
    }

    private static double[] Pairs(double[] head, int position, double rotaryBase)
    {
        var rotated = new double[head.Length];
        for (var i = 0; i < head.Length; i += 2)
        {
            var (sine, cosine) = Math.SinCos(position * Math.Pow(rotaryBase, -(double)i / head.Length));
            (rotated[i], rotated[i + 1]) = ((head[i] * cosine) - (head[i + 1] * sine), (head[i + 1] * cosine) + (head[i] * sine));
        }

        return rotated;
    }

    private static double Dot(double[] left, double[] right) => left.Zip(right, (a, b) => a * b).Sum();

    /// <summary>Row i of the first half of each head, then row i of the second.</summary>
    private static float[] Neighbours(float[] values, int heads, int rows)
    {
        var (width, size) = (values.Length / rows, rows / heads);
        return [.. Enumerable.Range(0, heads).SelectMany(head => Enumerable.Range(0, size / 2).SelectMany(pair => new[] { pair, pair + (size / 2) }.Select(row => (head * size) + row)))
            .SelectMany(row => values[(row * width)..((row + 1) * width)])];
    }

    private static string GgufName(string name) => name
        .Replace("model.embed_tokens", "token_embd", StringComparison.Ordinal)
        .Replace("model.norm", "output_norm", StringComparison.Ordinal)
        .Replace("lm_head", "output", StringComparison.Ordinal)
        .Replace("model.layers", "blk", StringComparison.Ordinal)
        .Replace("input_layernorm", "attn_norm", StringComparison.Ordinal)
        .Replace("post_attention_layernorm", "ffn_norm", StringComparison.Ordinal)
        .Replace("self_attn.q_proj", "attn_q", StringComparison.Ordinal)
        .Replace("self_attn.k_proj", "attn_k", StringComparison.Ordinal)
        .Replace("self_attn.v_proj", "attn_v", StringComparison.Ordinal)
        .Replace("self_attn.o_proj", "attn_output", StringComparison.Ordinal)
        .Replace("mlp.gate_proj", "ffn_gate", StringComparison.Ordinal)
        .Replace("mlp.up_proj", "ffn_up", StringComparison.Ordinal)
        .Replace("mlp.down_proj", "ffn_down", StringComparison.Ordinal);

    private static byte[] Bytes(ModelDirectory model, string name)
    {
        var bytes = new byte[model.Tensors[name].Length];
        model.Read(name, bytes);
        return bytes;
    }

    private string Copy(string name)
    {
        Directory.CreateDirectory(_folder.File("source"));
        foreach (var file in Directory.EnumerateFiles(GoldenModels.Folder(name)))
        {
            File.Copy(file, _folder.File($"source/{Path.GetFileName(file)}"));
        }

        return _folder.File("source");
    }
}
