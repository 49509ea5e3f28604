using System.Text.Json.Nodes;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Tests.Checkpoints;

public sealed class ModelDirectoryTests : IDisposable
{
    private const string Shard1 = "model-00001-of-00002.safetensors";
    private const string Shard2 = "model-00002-of-00002.safetensors";
    private const string IndexName = "model.safetensors.index.json";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("llama-gqa", 39)]
    [InlineData("llama-tied", 29)]
    public void Golden_models_open(string name, int tensors)
    {
        using var model = ModelDirectory.Open(GoldenModels.Folder(name));

        model.Tensors.Should().HaveCount(tensors);
        LlamaTensors.All(model.Configuration).Select(tensor => tensor.Name).Should().BeEquivalentTo(model.Tensors.Keys);
        var weights = new float[model.Tensors["model.norm.weight"].ElementCount];
        model.ReadSingles("model.norm.weight", weights);
        weights.Should().OnlyContain(weight => float.IsFinite(weight));
    }

    [Fact]
    public void Tensors_are_listed_in_the_order_the_data_flows()
    {
        IReadOnlyList<LlamaTensor> tensors = LlamaTensors.All(LlamaConfigurationFile.Read(Path.Combine(GoldenModels.Folder("llama-gqa"), "config.json")));

        tensors[0].Should().BeEquivalentTo(new LlamaTensor("model.embed_tokens.weight", [97, 48], LlamaTensorKind.Embedding));
        tensors[3].Should().BeEquivalentTo(new LlamaTensor("model.layers.0.self_attn.k_proj.weight", [16, 48], LlamaTensorKind.Block, 0));
        tensors[36].Should().BeEquivalentTo(new LlamaTensor("model.layers.3.mlp.down_proj.weight", [48, 112], LlamaTensorKind.Block, 3));
        tensors[^2].Kind.Should().Be(LlamaTensorKind.Norm);
        tensors[^1].Should().BeEquivalentTo(new LlamaTensor("lm_head.weight", [97, 48], LlamaTensorKind.Head));
        tensors.Where(tensor => tensor.Kind == LlamaTensorKind.Block).Select(tensor => tensor.BlockIndex).Should().BeInAscendingOrder().And.NotContainNulls();
    }

    [Fact]
    public void A_wrong_shape_is_named()
    {
        Change("intermediate_size", 114);

        Refuse().Should().Be($"{_folder.File("model.safetensors")}: tensor model.layers.0.mlp.gate_proj.weight is [112, 48], expected [114, 48]");
    }

    [Fact]
    public void A_missing_tensor_is_named()
    {
        Change("num_hidden_layers", 5);

        Refuse().Should().EndWith("model.safetensors: tensor model.layers.4.input_layernorm.weight is missing, expected [48]");
    }

    [Fact]
    public void An_unknown_tensor_is_named()
    {
        Change("num_hidden_layers", 3);

        Refuse().Should().EndWith("model.safetensors: tensor model.layers.3.input_layernorm.weight is not expected: config.json describes no such tensor");
    }

    [Fact]
    public void A_head_in_a_tied_model_is_refused()
    {
        Change("tie_word_embeddings", true);

        Refuse().Should().EndWith("tensor lm_head.weight is not expected: tie_word_embeddings is true");
    }

    [Fact]
    public void Integer_weights_are_refused()
    {
        Rewrite(tensor => tensor.Name == "model.norm.weight" ? tensor with { DType = SafetensorsDType.I32 } : tensor);

        Refuse().Should().EndWith("tensor model.norm.weight is I32, expected F32, F16 or BF16");
    }

    [Fact]
    public void Rotary_frequencies_of_old_checkpoints_are_passed_over()
    {
        Rewrite(tensor => tensor, new SafetensorsTensor("model.layers.0.self_attn.rotary_emb.inv_freq", SafetensorsDType.F32, [4]));

        using var model = ModelDirectory.Open(_folder.Path);
        model.Tensors.Should().HaveCount(39);
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    public void A_missing_file_is_named(string name)
    {
        GoldenModels.CopyTo(_folder, "llama-gqa");
        File.Delete(_folder.File(name));

        Refuse().Should().StartWith(_folder.File(name));
    }

    [Fact]
    public void A_missing_directory_is_named() =>
        FluentActions.Invoking(() => ModelDirectory.Open(_folder.File("absent"))).Should().Throw<IotaException>()
            .WithMessage("*absent: there is no such model directory").Which.ExitCode.Should().Be(ExitCode.Model);

    [Fact]
    public void Sharded_models_read_the_same_weights()
    {
        Split();
        using var whole = ModelDirectory.Open(GoldenModels.Folder("llama-gqa"));
        using var sharded = ModelDirectory.Open(_folder.Path);

        sharded.Tensors.Keys.Should().BeEquivalentTo(whole.Tensors.Keys);
        foreach ((string name, SafetensorsEntry entry) in whole.Tensors)
        {
            var expected = new byte[entry.Length];
            var actual = new byte[entry.Length];
            whole.Read(name, expected);
            sharded.Read(name, actual);
            actual.Should().Equal(expected);
        }
    }

    [Fact]
    public void A_missing_shard_is_named()
    {
        Split();
        File.Delete(_folder.File(Shard2));

        Refuse().Should().StartWith(_folder.File(Shard2));
    }

    [Fact]
    public void An_index_that_contradicts_its_files_is_refused()
    {
        Split();
        ChangeIndex(map => map["model.norm.weight"] = Shard1);

        Refuse().Should().EndWith($"{Shard1}: tensor model.norm.weight is missing, the index says that it is here").And.StartWith(_folder.Path);
    }

    [Fact]
    public void A_tensor_that_the_index_does_not_know_is_refused()
    {
        Split();
        ChangeIndex(map => map.Remove("model.norm.weight"));

        Refuse().Should().EndWith($"{IndexName}: tensor model.norm.weight is in {Shard2}, the index says nothing");
    }

    [Theory]
    [InlineData("../model.safetensors")]
    [InlineData("/etc/model.safetensors")]
    [InlineData("..\\model.safetensors")]
    [InlineData("model.bin")]
    [InlineData("")]
    public void An_index_cannot_lead_out_of_its_folder(string target)
    {
        Split();
        ChangeIndex(map => map["model.norm.weight"] = target);

        Refuse().Should().EndWith($"{IndexName}: weight_map names {target}, expected the name of a .safetensors file in the same folder");
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"weight_map":[]}""")]
    [InlineData("""{"weight_map":{"a":1}}""")]
    public void A_damaged_index_is_refused(string content)
    {
        Split();
        File.WriteAllText(_folder.File(IndexName), content);

        Refuse().Should().StartWith(_folder.File(IndexName));
    }

    private string Refuse() => FluentActions.Invoking(() => ModelDirectory.Open(_folder.Path)).Should().Throw<IotaException>()
        .Where(refused => refused.ExitCode == ExitCode.Model).Which.Message;

    private void Change(string field, JsonNode value)
    {
        string path = Path.Combine(GoldenModels.CopyTo(_folder, "llama-gqa"), "config.json");
        JsonObject json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json[field] = value;
        File.WriteAllText(path, json.ToJsonString());
    }

    private void ChangeIndex(Action<JsonObject> change)
    {
        JsonObject index = JsonNode.Parse(File.ReadAllText(_folder.File(IndexName)))!.AsObject();
        change(index["weight_map"]!.AsObject());
        File.WriteAllText(_folder.File(IndexName), index.ToJsonString());
    }

    private void Rewrite(Func<SafetensorsTensor, SafetensorsTensor> change, params SafetensorsTensor[] added)
    {
        GoldenModels.CopyTo(_folder, "llama-gqa");
        using var source = SafetensorsFile.Open(Path.Combine(GoldenModels.Folder("llama-gqa"), "model.safetensors"));
        Write("model.safetensors", [.. source.Tensors.Values.Select(entry => change(new SafetensorsTensor(entry.Name, entry.DType, entry.Shape))), .. added], source);
    }

    private void Split()
    {
        GoldenModels.CopyTo(_folder, "llama-gqa");
        File.Delete(_folder.File("model.safetensors"));
        using var source = SafetensorsFile.Open(Path.Combine(GoldenModels.Folder("llama-gqa"), "model.safetensors"));
        var map = new JsonObject();
        foreach (IGrouping<string, SafetensorsTensor> shard in source.Tensors.Values
            .Select(entry => new SafetensorsTensor(entry.Name, entry.DType, entry.Shape))
            .GroupBy(tensor => tensor.Name.Contains("layers.0", StringComparison.Ordinal) ? Shard1 : Shard2))
        {
            Write(shard.Key, [.. shard], source);
            foreach (SafetensorsTensor tensor in shard)
            {
                map[tensor.Name] = shard.Key;
            }
        }

        File.WriteAllText(_folder.File(IndexName), new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = 1 }, ["weight_map"] = map }.ToJsonString());
    }

    private void Write(string name, SafetensorsTensor[] tensors, SafetensorsFile source) =>
        AtomicFile.Write(_folder.File(name), output =>
        {
            var writer = new SafetensorsWriter(output, tensors);
            foreach (SafetensorsTensor tensor in tensors)
            {
                var bytes = new byte[tensor.DType.Size() * tensor.Shape.Aggregate(1L, (product, dimension) => product * dimension)];
                if (source.Tensors.ContainsKey(tensor.Name))
                {
                    source.Read(tensor.Name, bytes);
                }

                writer.Write(tensor.Name, bytes);
            }

            writer.Complete();
        });
}
