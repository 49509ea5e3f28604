using System.Text;
using System.Text.Json;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>
/// Reads and writes the <c>config.json</c> of a Hugging Face <c>LlamaForCausalLM</c>. Anything that would change the
/// model's arithmetic and is not supported is refused by name: a model that loads is computed exactly. A model with bottlenecks is no plain
/// Llama: it has a type of its own, so that nothing else opens it and leaves them out, its bottleneck's width, and the blocks that follow one.
/// </summary>
public static class LlamaConfigurationFile
{
    /// <summary>The file's name inside a model directory.</summary>
    public const string Name = "config.json";

    private const string PlainType = "llama";
    private const string BottleneckType = "iota_llama";
    private const string BottleneckSize = "bottleneck_size";
    private const string BottleneckBoundaries = "bottleneck_boundaries";

    /// <summary>Reads and checks a configuration.</summary>
    /// <exception cref="IotaException">The file is missing, damaged, or describes an unsupported model (<see cref="ExitCode.Model"/>).</exception>
    public static ModelConfiguration Read(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { AllowDuplicateProperties = false });
            return Parse(new LlamaConfigurationFields(path, document.RootElement));
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            throw ModelErrors.Create(path, $"is not valid JSON: {broken.Message}", broken);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw ModelErrors.Create(path, $"cannot be read: {failure.Message}", failure);
        }
    }

    /// <summary>Writes a configuration atomically.</summary>
    /// <exception cref="IotaException">The file cannot be written (<see cref="ExitCode.Environment"/>).</exception>
    public static void Write(string path, ModelConfiguration configuration) => AtomicFile.WriteAllText(path, Format(configuration));

    /// <summary>The configuration as JSON, in the keys that transformers reads.</summary>
    public static string Format(ModelConfiguration configuration)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteStartArray("architectures");
            json.WriteStringValue(configuration.Bottleneck is null ? "LlamaForCausalLM" : "IotaLlamaForCausalLM");
            json.WriteEndArray();
            json.WriteString("model_type", configuration.Bottleneck is null ? PlainType : BottleneckType);
            json.WriteString("hidden_act", "silu");
            json.WriteString("torch_dtype", "float32");
            json.WriteBoolean("attention_bias", false);
            json.WriteBoolean("mlp_bias", false);
            json.WriteNumber("initializer_range", configuration.InitializerRange);
            json.WriteNull("bos_token_id");
            json.WriteNull("eos_token_id");
            json.WriteNumber("vocab_size", configuration.VocabularySize);
            json.WriteNumber("hidden_size", configuration.HiddenSize);
            json.WriteNumber("intermediate_size", configuration.IntermediateSize);
            json.WriteNumber("num_hidden_layers", configuration.BlockCount);
            json.WriteNumber("num_attention_heads", configuration.HeadCount);
            json.WriteNumber("num_key_value_heads", configuration.KeyValueHeadCount);
            json.WriteNumber("rms_norm_eps", configuration.NormEpsilon);
            json.WriteNumber("rope_theta", configuration.RotaryBase);
            json.WriteNumber("max_position_embeddings", configuration.ContextLength);
            json.WriteBoolean("tie_word_embeddings", configuration.TiedEmbeddings);
            WriteBottleneck(json, configuration.Bottleneck);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n";
    }

    private static void WriteBottleneck(Utf8JsonWriter json, Bottleneck? bottleneck)
    {
        if (bottleneck is null)
        {
            return;
        }

        json.WriteNumber(BottleneckSize, bottleneck.Width);
        json.WriteStartArray(BottleneckBoundaries);
        foreach (var block in bottleneck.Boundaries)
        {
            json.WriteNumberValue(block);
        }

        json.WriteEndArray();
    }

    // Defaults for absent fields are those of transformers' LlamaConfig.
    private static ModelConfiguration Parse(LlamaConfigurationFields fields)
    {
        var hasBottleneck = fields.Has(BottleneckSize);
        fields.RequireText("model_type", hasBottleneck ? BottleneckType : PlainType);
        fields.RequireText("hidden_act", "silu", whenAbsent: "silu");
        fields.RequireFalse("attention_bias");
        fields.RequireFalse("mlp_bias");
        fields.RequireNull("rope_scaling");
        fields.RequireNull("quantization_config");
        int heads = fields.Count("num_attention_heads");
        var configuration = new ModelConfiguration
        {
            VocabularySize = fields.Count("vocab_size"),
            HiddenSize = fields.Count("hidden_size"),
            IntermediateSize = fields.Count("intermediate_size"),
            BlockCount = fields.Count("num_hidden_layers"),
            HeadCount = heads,
            KeyValueHeadCount = fields.Count("num_key_value_heads", whenAbsent: heads),
            ContextLength = fields.Count("max_position_embeddings", whenAbsent: 2048),
            NormEpsilon = fields.Positive("rms_norm_eps", whenAbsent: 1e-6),
            RotaryBase = fields.RotaryBase(whenAbsent: 10000),
            TiedEmbeddings = fields.Flag("tie_word_embeddings"),
            InitializerRange = fields.Positive("initializer_range", whenAbsent: 0.02),
            Bottleneck = hasBottleneck ? new Bottleneck(fields.Count(BottleneckSize), fields.Counts(BottleneckBoundaries)) : null,
        };
        CheckHeads(fields, configuration);
        CheckBottleneck(fields, configuration);
        return configuration;
    }

    private static void CheckBottleneck(LlamaConfigurationFields fields, ModelConfiguration configuration)
    {
        if (configuration.Bottleneck is not { } bottleneck)
        {
            return;
        }

        if (bottleneck.Width >= configuration.HiddenSize)
        {
            throw fields.Fault(BottleneckSize, $"is {bottleneck.Width}, which is not less than hidden_size {configuration.HiddenSize}");
        }

        var before = 0;
        foreach (var block in bottleneck.Boundaries)
        {
            if (block <= before || block >= configuration.BlockCount)
            {
                throw fields.Fault(BottleneckBoundaries, $"has {block} after {before}, expected rising blocks from 1 to {configuration.BlockCount - 1}");
            }

            before = block;
        }
    }

    private static void CheckHeads(LlamaConfigurationFields fields, ModelConfiguration configuration)
    {
        if (configuration.HiddenSize % configuration.HeadCount != 0)
        {
            throw fields.Fault("num_attention_heads", $"is {configuration.HeadCount}, which does not divide hidden_size {configuration.HiddenSize}");
        }

        if (configuration.HeadCount % configuration.KeyValueHeadCount != 0)
        {
            throw fields.Fault("num_key_value_heads", $"is {configuration.KeyValueHeadCount}, which does not divide num_attention_heads {configuration.HeadCount}");
        }

        if (fields.Count("head_dim", whenAbsent: configuration.HeadSize) != configuration.HeadSize)
        {
            throw fields.Fault("head_dim", $"is not supported unless it is hidden_size / num_attention_heads = {configuration.HeadSize}");
        }

        if (configuration.HeadSize % 2 != 0)
        {
            throw fields.Fault("hidden_size", $"gives heads of odd size {configuration.HeadSize}; rotary embeddings need an even one");
        }
    }
}
