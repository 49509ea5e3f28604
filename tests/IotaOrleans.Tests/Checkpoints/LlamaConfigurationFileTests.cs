using System.Text.Json.Nodes;
using CsCheck;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Tests.Checkpoints;

public sealed class LlamaConfigurationFileTests : IDisposable
{
    private static readonly Gen<ModelConfiguration> Configurations =
        from keyValueHeads in Gen.Int[1, 8]
        from queriesPerKey in Gen.Int[1, 8]
        from halfHead in Gen.Int[1, 64]
        from sizes in Gen.Int[1, 200_000].Array[4]
        from epsilon in Gen.Double[1e-8, 1e-3]
        from rotaryBase in Gen.Double[1, 1e7]
        from range in Gen.Double[1e-4, 1]
        from tied in Gen.Bool
        from bottleneck in Gen.Int[0, 2]
        select new ModelConfiguration
        {
            VocabularySize = sizes[0],
            HiddenSize = keyValueHeads * queriesPerKey * halfHead * 2,
            IntermediateSize = sizes[1],
            BlockCount = sizes[2],
            HeadCount = keyValueHeads * queriesPerKey,
            KeyValueHeadCount = keyValueHeads,
            ContextLength = sizes[3],
            NormEpsilon = epsilon,
            RotaryBase = rotaryBase,
            InitializerRange = range,
            TiedEmbeddings = tied,
            Bottleneck = bottleneck == 0 || sizes[2] <= bottleneck ? null : new Bottleneck(bottleneck, [.. Enumerable.Range(1, bottleneck)]),
        };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back() =>
        Configurations.ForAll(
            configuration =>
            {
                string path = _folder.File($"{Guid.NewGuid():N}.json");
                File.WriteAllText(path, LlamaConfigurationFile.Format(configuration));
                LlamaConfigurationFile.Read(path).Should().Be(configuration);
            },
            cases: 200);

    [Fact]
    public void The_golden_configuration_is_read()
    {
        LlamaConfigurationFile.Read(Path.Combine(GoldenModels.Folder("llama-gqa"), "config.json")).Should().Be(new ModelConfiguration
        {
            VocabularySize = 97,
            HiddenSize = 48,
            IntermediateSize = 112,
            BlockCount = 4,
            HeadCount = 6,
            KeyValueHeadCount = 2,
            ContextLength = 64,
            NormEpsilon = 1e-5,
            RotaryBase = 10000,
            TiedEmbeddings = false,
            InitializerRange = 0.02,
        });
        LlamaConfigurationFile.Read(Path.Combine(GoldenModels.Folder("llama-tied"), "config.json"))
            .Should().Match<ModelConfiguration>(tied => tied.TiedEmbeddings && tied.RotaryBase == 500_000 && tied.NormEpsilon == 1e-6);
    }

    [Theory]
    [InlineData("llama-gqa")]
    [InlineData("llama-tied")]
    public void The_golden_file_is_written_key_for_key(string model)
    {
        string golden = Path.Combine(GoldenModels.Folder(model), "config.json");
        string path = _folder.File("config.json");

        LlamaConfigurationFile.Write(path, LlamaConfigurationFile.Read(golden));

        Normalised(path).Should().Equal(Normalised(golden));

        static IEnumerable<string> Normalised(string file) => JsonNode.Parse(File.ReadAllText(file))!.AsObject()
            .Select(field => $"{field.Key} = {(field.Value?.GetValueKind() == System.Text.Json.JsonValueKind.Number ? $"{field.Value.GetValue<double>()}" : field.Value?.ToJsonString())}");
    }

    [Theory]
    [InlineData("model_type", "\"mistral\"", "model_type is mistral, only llama is supported")]
    [InlineData("hidden_act", "\"gelu\"", "hidden_act is gelu, only silu is supported")]
    [InlineData("attention_bias", "true", "attention_bias is true, only false is supported")]
    [InlineData("mlp_bias", "true", "mlp_bias is true, only false is supported")]
    [InlineData("rope_scaling", "{\"type\":\"linear\",\"factor\":2}", "rope_scaling is not supported, only null is")]
    [InlineData("rope_parameters", "{\"rope_type\":\"llama3\",\"rope_theta\":1}", "rope_parameters is not supported unless its rope_type is default")]
    [InlineData("quantization_config", "{}", "quantization_config is not supported, only null is")]
    [InlineData("head_dim", "16", "head_dim is not supported unless it is hidden_size / num_attention_heads = 8")]
    [InlineData("num_attention_heads", "5", "num_attention_heads is 5, which does not divide hidden_size 48")]
    [InlineData("num_attention_heads", "16", "hidden_size gives heads of odd size 3; rotary embeddings need an even one")]
    [InlineData("num_key_value_heads", "4", "num_key_value_heads is 4, which does not divide num_attention_heads 6")]
    [InlineData("hidden_size", "null", "hidden_size is missing")]
    [InlineData("vocab_size", "0", "vocab_size is 0, expected a whole number of at least 1")]
    [InlineData("vocab_size", "\"97\"", "vocab_size is \"97\", expected a whole number of at least 1")]
    [InlineData("num_hidden_layers", "2.5", "num_hidden_layers is 2.5, expected a whole number of at least 1")]
    [InlineData("rms_norm_eps", "-1", "rms_norm_eps is -1, expected a number above 0")]
    [InlineData("tie_word_embeddings", "\"yes\"", "tie_word_embeddings is \"yes\", expected true or false")]
    public void An_unsupported_field_is_refused_by_name(string field, string value, string reason)
    {
        string path = Changed(field, value);

        FluentActions.Invoking(() => LlamaConfigurationFile.Read(path)).Should().Throw<IotaException>()
            .WithMessage($"{path}: {reason}").Which.ExitCode.Should().Be(ExitCode.Model);
    }

    [Fact]
    public void Absent_fields_have_the_defaults_of_transformers()
    {
        string path = _folder.File("config.json");
        File.WriteAllText(path, """{"model_type":"llama","vocab_size":10,"hidden_size":8,"intermediate_size":16,"num_hidden_layers":1,"num_attention_heads":2}""");

        LlamaConfigurationFile.Read(path).Should().Be(new ModelConfiguration
        {
            VocabularySize = 10,
            HiddenSize = 8,
            IntermediateSize = 16,
            BlockCount = 1,
            HeadCount = 2,
            KeyValueHeadCount = 2,
            ContextLength = 2048,
            NormEpsilon = 1e-6,
            RotaryBase = 10000,
            InitializerRange = 0.02,
        });
    }

    [Fact]
    public void The_rotary_base_is_found_where_newer_transformers_put_it() =>
        LlamaConfigurationFile.Read(Changed("rope_parameters", """{"rope_type":"default","rope_theta":500000.0}""")).RotaryBase.Should().Be(500_000);

    [Fact]
    public void A_model_with_bottlenecks_is_not_mistaken_for_a_plain_one()
    {
        var plain = LlamaConfigurationFile.Read(Path.Combine(GoldenModels.Folder("llama-gqa"), "config.json"));
        var narrow = plain with { Bottleneck = new Bottleneck(4, [1, 3]) };
        var json = JsonNode.Parse(LlamaConfigurationFile.Format(narrow))!;

        ((string?)json["model_type"]).Should().Be("iota_llama");
        ((int?)json["bottleneck_size"]).Should().Be(4);
        json["bottleneck_boundaries"]!.AsArray().Select(block => (int)block!).Should().Equal(1, 3);
        LlamaConfigurationFile.Format(plain).Should().NotContain("bottleneck");
        narrow.Bottleneck.Stages(plain.BlockCount).Should().Equal(new BlockRange(0, 1), new BlockRange(1, 2), new BlockRange(3, 1));
        Bottleneck.Between(narrow.Bottleneck.Stages(plain.BlockCount), 4).Should().Be(narrow.Bottleneck);
    }

    [Theory]
    [InlineData("bottleneck_size", "48", "bottleneck_size is 48, which is not less than hidden_size 48")]
    [InlineData("bottleneck_size", "0", "bottleneck_size is 0, expected a whole number of at least 1")]
    [InlineData("bottleneck_size", "null", "model_type is iota_llama, only llama is supported")]
    [InlineData("model_type", "\"llama\"", "model_type is llama, only iota_llama is supported")]
    [InlineData("bottleneck_boundaries", "null", "bottleneck_boundaries is missing")]
    [InlineData("bottleneck_boundaries", "[]", "bottleneck_boundaries is [], expected a list of whole numbers")]
    [InlineData("bottleneck_boundaries", "2", "bottleneck_boundaries is 2, expected a list of whole numbers")]
    [InlineData("bottleneck_boundaries", "[1.5]", "bottleneck_boundaries has 1.5, expected whole numbers")]
    [InlineData("bottleneck_boundaries", "[2,2]", "bottleneck_boundaries has 2 after 2, expected rising blocks from 1 to 3")]
    [InlineData("bottleneck_boundaries", "[0]", "bottleneck_boundaries has 0 after 0, expected rising blocks from 1 to 3")]
    [InlineData("bottleneck_boundaries", "[4]", "bottleneck_boundaries has 4 after 0, expected rising blocks from 1 to 3")]
    public void Impossible_bottlenecks_are_refused_by_name(string field, string value, string reason)
    {
        var narrow = LlamaConfigurationFile.Read(Path.Combine(GoldenModels.Folder("llama-gqa"), "config.json")) with { Bottleneck = new Bottleneck(4, [2]) };
        JsonObject json = JsonNode.Parse(LlamaConfigurationFile.Format(narrow))!.AsObject();
        json[field] = JsonNode.Parse(value);
        string path = _folder.File("config.json");
        File.WriteAllText(path, json.ToJsonString());

        FluentActions.Invoking(() => LlamaConfigurationFile.Read(path)).Should().Throw<IotaException>()
            .WithMessage($"{path}: {reason}").Which.ExitCode.Should().Be(ExitCode.Model);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("""{"model_type":"llama","model_type":"llama"}""")]
    public void A_damaged_file_is_refused(string content)
    {
        string path = _folder.File("config.json");
        File.WriteAllText(path, content);

        FluentActions.Invoking(() => LlamaConfigurationFile.Read(path)).Should().Throw<IotaException>().WithMessage($"{path}: *").Which.ExitCode.Should().Be(ExitCode.Model);
    }

    private string Changed(string field, string value)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllText(Path.Combine(GoldenModels.Folder("llama-gqa"), "config.json")))!.AsObject();
        json[field] = JsonNode.Parse(value);
        string path = _folder.File("config.json");
        File.WriteAllText(path, json.ToJsonString());
        return path;
    }
}
