using System.Collections.Immutable;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace IotaOrleans.Training.Models;

/// <summary>
/// One pipeline stage of a Llama decoder (Touvron et al., 2023): RMSNorm, rotary position embedding by half-rotation, grouped-query
/// attention, SwiGLU. The first stage embeds, the last one normalises and predicts; a model of one stage is the whole decoder.
/// Tensors have the names and layouts of Hugging Face's LlamaForCausalLM.
/// </summary>
/// <remarks>Belongs to one compute lane: create, use and dispose it there.</remarks>
public sealed class LlamaStage : IDisposable
{
    /// <summary>The token embedding [vocabulary, model].</summary>
    public const string EmbeddingName = "model.embed_tokens.weight";

    private readonly Scalar _epsilon;
    private readonly StageWeight? _embedding;
    private readonly ImmutableArray<LlamaBlock> _blocks;
    private readonly ImmutableArray<BottleneckReceiver?> _receivers;
    private readonly ImmutableArray<BottleneckSender?> _senders;
    private readonly StageWeight? _norm;
    private readonly StageWeight? _head;
    private readonly RotaryTable _rotary;

    /// <summary>Creates a stage with zero parameters.</summary>
    /// <param name="model">The whole model's shape.</param>
    /// <param name="blocks">The blocks of this stage.</param>
    public LlamaStage(ModelConfiguration model, BlockRange blocks)
    {
        _epsilon = model.NormEpsilon;
        IsFirst = blocks.First == 0;
        IsLast = blocks.End == model.BlockCount;
        Parameters = new StageParameters(ParameterLayout.Of(model, blocks));
        _rotary = new RotaryTable(model);
        _embedding = IsFirst ? Parameters.Weight(EmbeddingName) : null;
        _blocks = [.. Enumerable.Range(blocks.First, blocks.Count).Select(index => new LlamaBlock(model, Parameters, _epsilon, index))];
        _receivers = [.. Enumerable.Range(blocks.First, blocks.Count).Select(index => model.FollowsBottleneck(index) ? new BottleneckReceiver(model, Parameters, index) : null)];
        _senders = [.. Enumerable.Range(blocks.First, blocks.Count).Select(index => model.FollowsBottleneck(index + 1) ? new BottleneckSender(model, Parameters, _epsilon, index) : null)];
        _norm = IsLast ? Parameters.Weight("model.norm.weight") : null;
        _head = !IsLast ? null : !model.TiedEmbeddings ? Parameters.Weight("lm_head.weight") : _embedding ?? Parameters.Weight(EmbeddingName);
    }

    /// <summary>Whether the stage embeds token ids.</summary>
    public bool IsFirst { get; }

    /// <summary>Whether the stage predicts.</summary>
    public bool IsLast { get; }

    /// <summary>The stage's parameters and gradients.</summary>
    public StageParameters Parameters { get; }

    /// <summary>Runs the stage forward.</summary>
    /// <param name="input">Token ids [batch, time] (int64) for the first stage, otherwise activations [batch, time, boundary] (fp32).</param>
    /// <returns>Logits [batch, time, vocabulary] from the last stage, otherwise activations [batch, time, boundary].</returns>
    public Tensor Forward(Tensor input) => Forward(input, null);

    /// <inheritdoc cref="Forward(Tensor)"/>
    /// <param name="input">Token ids or activations.</param>
    /// <param name="record">Receives what a backward pass needs, or null when there will be none.</param>
    internal Tensor Forward(Tensor input, PassRecord? record)
    {
        using var scope = NewDisposeScope();
        var hidden = _embedding is null ? input : Embed(input, _embedding, record);
        var (cosine, sine) = _rotary.For(input.shape[1]);
        for (var index = 0; index < _blocks.Length; index++)
        {
            hidden = _receivers[index]?.Forward(hidden, record) ?? hidden;
            hidden = _blocks[index].Forward(hidden, cosine, sine, record);
            hidden = _senders[index]?.Forward(hidden, record) ?? hidden;
        }

        if (_norm is not null)
        {
            // The record owns what a product returns, the caller what this method returns.
            hidden = Layers.Linear(Layers.RootMeanSquareNorm(hidden, _norm, _epsilon, record), _head!, record).alias();
        }

        return hidden.MoveToOuterDisposeScope();
    }

    /// <summary>Mean cross-entropy in nats per token.</summary>
    /// <param name="logits">[batch, time, vocabulary].</param>
    /// <param name="targets">[batch, time] token ids (int64).</param>
    public static Tensor Loss(Tensor logits, Tensor targets)
    {
        using var flatLogits = logits.view(-1, logits.shape[^1]);
        using var flatTargets = targets.view(-1);
        return cross_entropy(flatLogits, flatTargets);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _rotary.Dispose();
        Parameters.Dispose();
    }

    private static Tensor Embed(Tensor tokens, StageWeight embedding, PassRecord? record)
    {
        var rows = embedding.Values.index_select(0, tokens.view(-1)).view(tokens.shape[0], tokens.shape[1], embedding.Values.shape[1]);
        record?.AddLookup(embedding, tokens.alias(), rows);
        return rows;
    }
}

/// <summary>Maps with weights, which a record notes for the backward pass.</summary>
internal static class Layers
{
    /// <summary>input · weightᵀ.</summary>
    public static Tensor Linear(Tensor input, StageWeight weight, PassRecord? record)
    {
        var output = linear(input, weight.Values);
        record?.AddProduct(weight, input, output);
        return output;
    }

    /// <summary>Zhang and Sennrich, 2019.</summary>
    public static Tensor RootMeanSquareNorm(Tensor hidden, StageWeight weight, Scalar epsilon, PassRecord? record) =>
        hidden * rsqrt((hidden * hidden).mean([-1], keepdim: true).add(epsilon, Numbers.One)) * (record?.AddScale(weight) ?? weight.Values);
}

/// <summary>One decoder block. Query, key and value share one matrix product, as do gate and up.</summary>
internal sealed class LlamaBlock
{
    private readonly ModelConfiguration _model;
    private readonly Scalar _epsilon;
    private readonly StageWeight _attentionNorm;
    private readonly StageWeight _queryKeyValue;
    private readonly StageWeight _attentionOutput;
    private readonly StageWeight _feedForwardNorm;
    private readonly StageWeight _gateUp;
    private readonly StageWeight _down;

    public LlamaBlock(ModelConfiguration model, StageParameters parameters, Scalar epsilon, int index)
    {
        _model = model;
        _epsilon = epsilon;
        _attentionNorm = parameters.Weight(Name("input_layernorm"));
        _queryKeyValue = parameters.Weight(Name("self_attn.q_proj"), Name("self_attn.k_proj"), Name("self_attn.v_proj"));
        _attentionOutput = parameters.Weight(Name("self_attn.o_proj"));
        _feedForwardNorm = parameters.Weight(Name("post_attention_layernorm"));
        _gateUp = parameters.Weight(Name("mlp.gate_proj"), Name("mlp.up_proj"));
        _down = parameters.Weight(Name("mlp.down_proj"));

        string Name(string part) => $"model.layers.{index}.{part}.weight";
    }

    public Tensor Forward(Tensor hidden, Tensor cosine, Tensor sine, PassRecord? record)
    {
        hidden = hidden.add(Attention(Layers.RootMeanSquareNorm(hidden, _attentionNorm, _epsilon, record), cosine, sine, record), Numbers.One);
        return hidden.add(FeedForward(Layers.RootMeanSquareNorm(hidden, _feedForwardNorm, _epsilon, record), record), Numbers.One);
    }

    private Tensor Attention(Tensor hidden, Tensor cosine, Tensor sine, PassRecord? record)
    {
        long batch = hidden.shape[0], time = hidden.shape[1];
        int queries = _model.HeadCount, keys = _model.KeyValueHeadCount;
        var heads = Layers.Linear(hidden, _queryKeyValue, record).view(batch, time, queries + (2 * keys), _model.HeadSize).transpose(1, 2);
        // The gradient by a split is one concatenation; by a narrowing each part would fill and add a tensor as large as the whole.
        var kinds = heads.split([queries + keys, keys], 1);
        var rotated = RotaryTable.Rotate(kinds[0], cosine, sine).split([queries, keys], 1);
        var query = rotated[0];
        var key = ShareAmongQueries(rotated[1]);
        var value = ShareAmongQueries(kinds[1]);
        var mixed = scaled_dot_product_attention(query, key, value, is_casual: true);
        return Layers.Linear(mixed.transpose(1, 2).reshape(batch, time, _model.HiddenSize), _attentionOutput, record);
    }

    /// <summary>Grouped-query attention (Ainslie et al., 2023): consecutive query heads share one key-value head.</summary>
    private Tensor ShareAmongQueries(Tensor heads) =>
        _model.KeyValueHeadCount == _model.HeadCount ? heads : heads.repeat_interleave(_model.HeadCount / _model.KeyValueHeadCount, 1);

    private Tensor FeedForward(Tensor hidden, PassRecord? record)
    {
        var gateUp = Layers.Linear(hidden, _gateUp, record);
        var halves = gateUp.split([_model.IntermediateSize, _model.IntermediateSize], -1);
        return Layers.Linear(silu(halves[0]) * halves[1], _down, record);
    }
}

/// <summary>Cosines and sines of the rotary position embedding (Su et al., 2021).</summary>
internal sealed class RotaryTable : IDisposable
{
    private readonly Tensor _cosine;
    private readonly Tensor _sine;

    public RotaryTable(ModelConfiguration model)
    {
        int half = model.HeadSize / 2, size = model.HeadSize;
        var cosines = new float[model.ContextLength * size];
        var sines = new float[cosines.Length];
        for (var i = 0; i < cosines.Length; i++)
        {
            var (time, channel) = (i / size, i % size);
            var angle = time * Math.Pow(model.RotaryBase, -2.0 * (channel % half) / size);
            cosines[i] = (float)Math.Cos(angle);
            // The half-rotation (x1, x2) → (−x2, x1) is a roll whose sign lives in the table.
            sines[i] = (float)(channel < half ? -Math.Sin(angle) : Math.Sin(angle));
        }

        _cosine = tensor(cosines, [model.ContextLength, size]).DetachFromDisposeScope();
        _sine = tensor(sines, [model.ContextLength, size]).DetachFromDisposeScope();
    }

    public (Tensor Cosine, Tensor Sine) For(long time) => (_cosine.narrow(0, 0, time), _sine.narrow(0, 0, time));

    /// <summary>Rotates heads [batch, heads, time, head] by their position.</summary>
    public static Tensor Rotate(Tensor heads, Tensor cosine, Tensor sine)
    {
        var half = heads.shape[^1] / 2;
        return addcmul(heads * cosine, roll(heads, half, -1), sine, Numbers.One);
    }

    public void Dispose()
    {
        _cosine.Dispose();
        _sine.Dispose();
    }
}

/// <summary>
/// Numbers that native calls read. They live as long as the process or the model: TorchSharp hands the native side a bare pointer,
/// so a temporary Scalar, which every operator between a tensor and a number makes, as does a plain sum of tensors, may be freed by a
/// garbage collection on another thread while the call still reads it.
/// </summary>
internal static class Numbers
{
    public static Scalar One { get; } = 1f;
}
