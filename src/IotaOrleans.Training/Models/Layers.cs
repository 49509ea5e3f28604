using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace IotaOrleans.Training.Models;

/// <summary>The parts that stages are made of. With a record, each notes there how its gradients are computed.</summary>
internal static class Layers
{
    /// <summary>Rows of an embedding.</summary>
    public static Tensor Embed(Tensor tokens, StageWeight embedding, PassRecord? record)
    {
        record?.AddLookup(embedding, tokens.alias());
        return embedding.Values.index_select(0, tokens.view(-1)).view(tokens.shape[0], tokens.shape[1], embedding.Values.shape[1]);
    }

    /// <summary>input · weightᵀ.</summary>
    public static Tensor Linear(Tensor input, StageWeight weight, PassRecord? record)
    {
        record?.AddProduct(weight, input);
        return linear(input, weight.Values);
    }

    /// <summary>See <see cref="RootMeanSquareNorm"/>. The gradient of what was added beside the branch that begins here joins its own.</summary>
    public static Tensor Norm(Tensor hidden, StageWeight weight, float epsilon, PassRecord? record)
    {
        var normed = empty_like(hidden);
        RootMeanSquareNorm.Forward(Values(hidden), Values(weight.Values), epsilon, Values(normed));
        if (record is not null)
        {
            record.Keep(hidden);
            record.Add(gradient =>
            {
                var (by, byWeight) = (empty_like(hidden), zeros_like(weight.Values));
                var bypass = record.TakeBypass();
                RootMeanSquareNorm.Backward(Values(hidden), Values(weight.Values), epsilon, Values(gradient), bypass is null ? [] : Values(bypass), Values(by), Values(byWeight));
                record.AddScale(weight, byWeight);
                return by;
            });
        }

        return normed;
    }

    /// <summary>See <see cref="GatedUnit"/>.</summary>
    /// <param name="gateUp">[batch, time, gates and ups].</param>
    /// <param name="record">Notes the gradient, if there is to be one.</param>
    /// <returns>[batch, time, gates].</returns>
    public static Tensor Gate(Tensor gateUp, PassRecord? record)
    {
        var width = (int)(gateUp.shape[^1] / 2);
        var output = empty([.. gateUp.shape[..^1], width], gateUp.dtype);
        GatedUnit.Forward(Values(gateUp), width, Values(output));
        if (record is not null)
        {
            record.Keep(gateUp);
            record.Add(gradient =>
            {
                var by = empty_like(gateUp);
                GatedUnit.Backward(Values(gateUp), width, Values(gradient), Values(by));
                return by;
            });
        }

        return output;
    }

    /// <summary>Mean cross-entropy in nats per token. Its gradient is given by its factor, as long as the caller keeps what is returned.</summary>
    /// <param name="logits">[batch, time, vocabulary].</param>
    /// <param name="targets">[batch, time] token ids (int64).</param>
    /// <param name="record">Notes the gradient, if there is to be one.</param>
    public static Tensor CrossEntropy(Tensor logits, Tensor targets, PassRecord? record)
    {
        var shape = logits.shape;
        var rows = logits.view(-1, shape[^1]);
        if (record is null)
        {
            return cross_entropy(rows, targets.view(-1));
        }

        using var graph = enable_grad();
        var leaf = rows.detach().requires_grad_(true);
        record.Keep(leaf);
        var loss = cross_entropy(leaf, targets.view(-1));
        record.Add(factor => autograd.grad([loss], [leaf], [factor])[0].view(shape));
        return loss;
    }

    /// <summary>The values of a dense tensor, in native memory.</summary>
    public static Span<float> Values(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);
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
