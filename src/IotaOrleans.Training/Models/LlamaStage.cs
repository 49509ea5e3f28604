using System.Collections.Immutable;
using TorchSharp;
using static TorchSharp.torch;

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

    private readonly float _epsilon;
    private readonly StageWeight? _embedding;
    private readonly ImmutableArray<LlamaBlock> _blocks;
    private readonly ImmutableArray<BottleneckReceiver?> _receivers;
    private readonly ImmutableArray<BottleneckSender?> _senders;
    private readonly StageWeight? _norm;
    private readonly StageWeight? _head;

    /// <summary>Creates a stage with zero parameters.</summary>
    /// <param name="model">The whole model's shape.</param>
    /// <param name="blocks">The blocks of this stage.</param>
    public LlamaStage(ModelConfiguration model, BlockRange blocks)
    {
        _epsilon = (float)model.NormEpsilon;
        IsFirst = blocks.First == 0;
        IsLast = blocks.End == model.BlockCount;
        Parameters = new StageParameters(ParameterLayout.Of(model, blocks));
        var rotary = new RotaryTable(model);
        _embedding = IsFirst ? Parameters.Weight(EmbeddingName) : null;
        _blocks = [.. Enumerable.Range(blocks.First, blocks.Count).Select(index => new LlamaBlock(model, Parameters, rotary, index))];
        _receivers = [.. Enumerable.Range(blocks.First, blocks.Count).Select(index => model.FollowsBottleneck(index) ? new BottleneckReceiver(model, Parameters, index) : null)];
        _senders = [.. Enumerable.Range(blocks.First, blocks.Count).Select(index => model.FollowsBottleneck(index + 1) ? new BottleneckSender(model, Parameters, index) : null)];
        _norm = IsLast ? Parameters.Weight("model.norm.weight") : null;
        _head = !IsLast ? null : !model.TiedEmbeddings ? Parameters.Weight("lm_head.weight") : _embedding ?? Parameters.Weight(EmbeddingName);
    }

    /// <summary>Whether the stage embeds token ids.</summary>
    public bool IsFirst { get; }

    /// <summary>Whether the stage predicts.</summary>
    public bool IsLast { get; }

    /// <summary>The stage's parameters and gradients.</summary>
    public StageParameters Parameters { get; }

    /// <summary>Runs the stage forward, with no gradients.</summary>
    /// <param name="input">Token ids [batch, time] (int64) for the first stage, otherwise activations [batch, time, boundary] (fp32).</param>
    /// <returns>Logits [batch, time, vocabulary] from the last stage, otherwise activations [batch, time, boundary].</returns>
    public Tensor Forward(Tensor input) => Forward(input, null);

    /// <inheritdoc cref="Forward(Tensor)"/>
    /// <param name="input">Token ids or activations.</param>
    /// <param name="record">Receives what a backward pass needs, or null when there will be none.</param>
    internal Tensor Forward(Tensor input, PassRecord? record)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var hidden = _embedding is null ? input : Layers.Embed(input, _embedding, record);
        for (var index = 0; index < _blocks.Length; index++)
        {
            hidden = _receivers[index]?.Forward(hidden, record) ?? hidden;
            hidden = _blocks[index].Forward(hidden, record);
            hidden = _senders[index]?.Forward(hidden, record) ?? hidden;
        }

        if (_norm is not null)
        {
            hidden = Layers.Linear(Layers.Norm(hidden, _norm, _epsilon, record), _head!, record);
        }

        return hidden.MoveToOuterDisposeScope();
    }

    /// <summary>Mean cross-entropy in nats per token.</summary>
    /// <param name="logits">[batch, time, vocabulary].</param>
    /// <param name="targets">[batch, time] token ids (int64).</param>
    public static Tensor Loss(Tensor logits, Tensor targets) => Layers.CrossEntropy(logits, targets, record: null);

    /// <inheritdoc />
    public void Dispose() => Parameters.Dispose();
}
