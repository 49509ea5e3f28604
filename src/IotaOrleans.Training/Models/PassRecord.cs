using static TorchSharp.torch;

namespace IotaOrleans.Training.Models;

/// <summary>
/// What a forward pass leaves for its backward pass. The backward pass has two halves (Qi et al., 2023, "Zero Bubble Pipeline
/// Parallelism"): the gradient by the input, which the previous stage waits for, and the gradients by the weights, which nobody waits
/// for before the optimizer step. The first half runs the noted steps in reverse; the second one is a matrix product per weight, added in
/// place to the stage's gradients.
/// </summary>
/// <remarks>Owns the tensors that it was given, outside any dispose scope.</remarks>
internal sealed class PassRecord : IDisposable
{
    private readonly Stack<Func<Tensor, Tensor>> _steps = new();
    private readonly List<Tensor> _kept = [];
    private readonly List<Product> _products = [];
    private readonly List<(StageWeight Weight, Tensor Gradient)> _scales = [];
    private Product? _lookup;
    private Tensor? _bypass;

    /// <summary>Notes how the gradient by a step's output becomes the one by its input.</summary>
    public void Add(Func<Tensor, Tensor> backward) => _steps.Push(backward);

    /// <summary>Keeps a tensor until the first half is done.</summary>
    public void Keep(Tensor tensor) => _kept.Add(tensor.DetachFromDisposeScope());

    /// <summary>Notes the product input · weightᵀ.</summary>
    public void AddProduct(StageWeight weight, Tensor input)
    {
        var product = new Product(weight, input.DetachFromDisposeScope());
        _products.Add(product);
        Add(gradient =>
        {
            product.Gradient = gradient.DetachFromDisposeScope();
            return gradient.matmul(weight.Values);
        });
    }

    /// <summary>Notes the rows that were looked up in an embedding; nothing lies before them.</summary>
    public void AddLookup(StageWeight weight, Tensor tokens)
    {
        var lookup = _lookup = new Product(weight, tokens.DetachFromDisposeScope());
        Add(gradient => lookup.Gradient = gradient.DetachFromDisposeScope());
    }

    /// <summary>Notes the gradient by a weight that multiplies element by element: the first half computes it, the second one adds it.</summary>
    public void AddScale(StageWeight weight, Tensor gradient) => _scales.Add((weight, gradient.DetachFromDisposeScope()));

    /// <summary>Notes that something from before a branch was added after it: the gradient passes by the branch as well.</summary>
    /// <param name="backward">The gradient by what was added.</param>
    public void AddBypass(Func<Tensor, Tensor> backward) => Add(gradient =>
    {
        _bypass = backward(gradient);
        return gradient;
    });

    /// <summary>The gradient that passed by the branch, for the branch's beginning; null when there is none.</summary>
    public Tensor? TakeBypass()
    {
        var bypass = _bypass;
        _bypass = null;
        return bypass;
    }

    /// <summary>The first half: runs the steps in reverse.</summary>
    /// <param name="outputGradient">The gradient by what the forward pass returned.</param>
    /// <returns>The gradient by the input, which the caller owns; null when the input were tokens.</returns>
    public Tensor? BackwardInput(Tensor outputGradient)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var gradient = outputGradient;
        while (_steps.TryPop(out var step))
        {
            gradient = step(gradient);
        }

        DisposeKept();
        return _lookup is null ? gradient.MoveToOuterDisposeScope() : null;
    }

    /// <summary>Into how many parts the second half can be cut: one for each product, one for all that is not a product.</summary>
    public int WeightParts => _products.Count + 1;

    /// <summary>One part of the second half: adds gradients by weights to what has accumulated. No two parts change the same weight's.</summary>
    /// <param name="part">From zero; each part runs once.</param>
    public void BackwardWeights(int part)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        if (part < _products.Count)
        {
            var product = _products[part];
            var sum = product.Weight.Gradient;
            sum.addmm_(product.Gradient!.view(-1, sum.shape[0]).t(), product.Input.view(-1, sum.shape[1]), beta: 1, alpha: 1);
            if (_lookup?.Weight == product.Weight)
            {
                // The embedding is tied, and both of its ends are in this stage.
                AddLookup();
            }

            return;
        }

        foreach (var (weight, gradient) in _scales)
        {
            weight.Gradient.add_(gradient, Numbers.One);
        }

        if (!_products.Exists(product => product.Weight == _lookup?.Weight))
        {
            AddLookup();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        DisposeKept();
        foreach (var product in _products)
        {
            product.Dispose();
        }

        foreach (var (_, gradient) in _scales)
        {
            gradient.Dispose();
        }

        _lookup?.Dispose();
    }

    private void AddLookup()
    {
        if (_lookup is { } lookup)
        {
            var sum = lookup.Weight.Gradient;
            sum.index_add_(0, lookup.Input.view(-1), lookup.Gradient!.view(-1, sum.shape[1]), Numbers.One);
        }
    }

    private void DisposeKept()
    {
        foreach (var tensor in _kept)
        {
            tensor.Dispose();
        }

        _kept.Clear();
    }

    /// <summary>What the gradient by a weight is made of.</summary>
    private sealed class Product(StageWeight weight, Tensor input) : IDisposable
    {
        public StageWeight Weight => weight;

        public Tensor Input => input;

        public Tensor? Gradient { get; set; }

        public void Dispose()
        {
            input.Dispose();
            Gradient?.Dispose();
        }
    }
}
