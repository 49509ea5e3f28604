using static TorchSharp.torch;

namespace IotaOrleans.Training.Models;

/// <summary>
/// What a forward pass leaves for its backward pass. The backward pass has two halves (Qi et al., 2023, "Zero Bubble Pipeline
/// Parallelism"): the gradient by the input, which the previous stage waits for, and the gradients by the weights, which nobody waits
/// for before the optimizer step. The graph only computes the first half; the second one is a matrix product per weight, added in
/// place to the stage's gradients.
/// </summary>
/// <remarks>Owns the tensors that it was given, outside any dispose scope.</remarks>
internal sealed class PassRecord : IDisposable
{
    private readonly List<(StageWeight Weight, Tensor Input, Tensor Output)> _products = [];
    private readonly List<(StageWeight Weight, Tensor Leaf)> _scales = [];
    private (StageWeight Weight, Tensor Tokens, Tensor Output)? _lookup;
    private IList<Tensor> _gradients = [];

    /// <summary>Notes the product output = input · weightᵀ.</summary>
    public void AddProduct(StageWeight weight, Tensor input, Tensor output) =>
        _products.Add((weight, input.DetachFromDisposeScope(), output.DetachFromDisposeScope()));

    /// <summary>A stand-in of a weight that multiplies element by element: the graph computes its gradient, which is small.</summary>
    public Tensor AddScale(StageWeight weight)
    {
        var leaf = weight.Values.detach().requires_grad_(true).DetachFromDisposeScope();
        _scales.Add((weight, leaf));
        return leaf;
    }

    /// <summary>Notes the rows that were looked up in an embedding; the graph begins at them.</summary>
    public void AddLookup(StageWeight weight, Tensor tokens, Tensor output) =>
        _lookup = (weight, tokens.DetachFromDisposeScope(), output.requires_grad_(true).DetachFromDisposeScope());

    /// <summary>The first half: runs the graph backward.</summary>
    /// <param name="output">What the forward pass returned.</param>
    /// <param name="outputGradient">The gradient by it.</param>
    /// <param name="input">The stage's input, or null when nobody asks for its gradient.</param>
    /// <returns>The gradient by the input, which the caller owns.</returns>
    public Tensor? BackwardInput(Tensor output, Tensor outputGradient, Tensor? input)
    {
        List<Tensor> wanted = [.. _products.Select(product => product.Output), .. _scales.Select(scale => scale.Leaf)];
        if ((_lookup?.Output ?? input) is { } beginning)
        {
            wanted.Add(beginning);
        }

        var gradients = autograd.grad([output], wanted, [outputGradient]);
        foreach (var gradient in gradients)
        {
            gradient.DetachFromDisposeScope();
        }

        _gradients = gradients;
        foreach (var product in _products)
        {
            product.Output.Dispose();
        }

        if (input is null)
        {
            return null;
        }

        _gradients = [.. gradients.SkipLast(1)];
        return gradients[^1];
    }

    /// <summary>The second half: adds the gradients by the weights to what has accumulated.</summary>
    public void BackwardWeights()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var index = 0;
        foreach (var (weight, input, _) in _products)
        {
            var (rows, columns) = (weight.Gradient.shape[0], weight.Gradient.shape[1]);
            weight.Gradient.addmm_(_gradients[index++].reshape(-1, rows).t(), input.reshape(-1, columns), beta: 1, alpha: 1);
        }

        foreach (var (weight, _) in _scales)
        {
            weight.Gradient.add_(_gradients[index++], Numbers.One);
        }

        if (_lookup is { } lookup)
        {
            lookup.Weight.Gradient.index_add_(0, lookup.Tokens.view(-1), _gradients[index].view(-1, lookup.Weight.Gradient.shape[1]), Numbers.One);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var (_, input, output) in _products)
        {
            input.Dispose();
            output.Dispose();
        }

        foreach (var (_, leaf) in _scales)
        {
            leaf.Dispose();
        }

        foreach (var gradient in _gradients)
        {
            gradient.Dispose();
        }

        _lookup?.Tokens.Dispose();
        _lookup?.Output.Dispose();
    }
}
