using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace IotaOrleans.Training.Models;

/// <summary>One decoder block. Query, key and value share one matrix product, as do gate and up.</summary>
internal sealed class LlamaBlock
{
    private readonly ModelConfiguration _model;
    private readonly RotaryTable _rotary;
    private readonly float _epsilon;
    private readonly StageWeight _attentionNorm;
    private readonly StageWeight _queryKeyValue;
    private readonly StageWeight _attentionOutput;
    private readonly StageWeight _feedForwardNorm;
    private readonly StageWeight _gateUp;
    private readonly StageWeight _down;

    public LlamaBlock(ModelConfiguration model, StageParameters parameters, RotaryTable rotary, int index)
    {
        (_model, _rotary, _epsilon) = (model, rotary, (float)model.NormEpsilon);
        _attentionNorm = parameters.Weight(Name("input_layernorm"));
        _queryKeyValue = parameters.Weight(Name("self_attn.q_proj"), Name("self_attn.k_proj"), Name("self_attn.v_proj"));
        _attentionOutput = parameters.Weight(Name("self_attn.o_proj"));
        _feedForwardNorm = parameters.Weight(Name("post_attention_layernorm"));
        _gateUp = parameters.Weight(Name("mlp.gate_proj"), Name("mlp.up_proj"));
        _down = parameters.Weight(Name("mlp.down_proj"));

        string Name(string part) => $"model.layers.{index}.{part}.weight";
    }

    public Tensor Forward(Tensor hidden, PassRecord? record)
    {
        hidden = Add(hidden, Attention(Layers.Norm(hidden, _attentionNorm, _epsilon, record), record), record);
        return Add(hidden, FeedForward(Layers.Norm(hidden, _feedForwardNorm, _epsilon, record), record), record);
    }

    /// <summary>The residual connection.</summary>
    private static Tensor Add(Tensor hidden, Tensor branch, PassRecord? record)
    {
        record?.AddBypass(gradient => gradient);
        return branch.add_(hidden, Numbers.One);
    }

    private Tensor Attention(Tensor hidden, PassRecord? record)
    {
        long batch = hidden.shape[0], time = hidden.shape[1];
        int queries = _model.HeadCount, keys = _model.KeyValueHeadCount, size = _model.HeadSize;
        var projected = Layers.Linear(hidden, _queryKeyValue, record);
        var width = (int)projected.shape[^1];
        var rows = new HeadRows(Layers.Values(projected), width);
        _rotary.Rotate(rows, rows, queries + keys, (int)time);
        var parts = projected.view(batch, time, queries + (2 * keys), size).transpose(1, 2).split([queries, keys, keys], 1);
        var mixed = Mix(parts, record);
        record?.Add(gradient =>
        {
            var by = autograd.grad([mixed], parts, [gradient.view(batch, time, queries, size).transpose(1, 2)]);
            var (byQuery, byKey, byValue) = (Rows(by[0]), Rows(by[1]), Rows(by[2]));
            var byProjected = empty(batch, time, width);
            var values = Layers.Values(byProjected);
            _rotary.Rotate(new HeadRows(Layers.Values(byQuery), queries * size), new HeadRows(values, width), queries, (int)time, back: true);
            _rotary.Rotate(new HeadRows(Layers.Values(byKey), keys * size), new HeadRows(values, width, queries * size), keys, (int)time, back: true);
            byProjected.narrow(-1, (queries + keys) * size, keys * size).copy_(byValue);
            return byProjected;
        });
        return Layers.Linear(mixed.detach().transpose(1, 2).reshape(batch, time, _model.HiddenSize), _attentionOutput, record);

        // [batch, heads, time, size] → [batch, time, values]
        Tensor Rows(Tensor heads) => heads.transpose(1, 2).reshape(batch, time, -1);
    }

    /// <summary>Each query takes its share of all values up to its own place; the graph of this part is libtorch's.</summary>
    private Tensor Mix(Tensor[] parts, PassRecord? record)
    {
        using var graph = record is null ? null : enable_grad();
        if (record is not null)
        {
            foreach (var part in parts)
            {
                record.Keep(part.requires_grad_(true));
            }
        }

        var mixed = scaled_dot_product_attention(parts[0], ShareAmongQueries(parts[1]), ShareAmongQueries(parts[2]), is_casual: true);
        record?.Keep(mixed);
        return mixed;
    }

    /// <summary>Grouped-query attention (Ainslie et al., 2023): consecutive query heads share one key-value head.</summary>
    private Tensor ShareAmongQueries(Tensor heads) =>
        _model.KeyValueHeadCount == _model.HeadCount ? heads : heads.repeat_interleave(_model.HeadCount / _model.KeyValueHeadCount, 1);

    private Tensor FeedForward(Tensor hidden, PassRecord? record) =>
        Layers.Linear(Layers.Gate(Layers.Linear(hidden, _gateUp, record), record), _down, record);
}
