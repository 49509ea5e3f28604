using System.Runtime.InteropServices;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace IotaOrleans.Training.Stages;

/// <summary>What a stage computes on: token ids for the first stage, the previous stage's activation for all others, targets for the last.</summary>
public readonly ref struct StageInput
{
    /// <summary>Token ids [sequences × time], row by row; only the first stage reads them.</summary>
    public ReadOnlySpan<long> Tokens { get; init; }

    /// <summary>Activation [sequences, time, boundary] in the stage's wire format; empty for the first stage.</summary>
    public ReadOnlySpan<byte> Activation { get; init; }

    /// <summary>Next token ids [sequences × time], row by row; only the last stage reads them.</summary>
    public ReadOnlySpan<long> Targets { get; init; }
}

/// <summary>
/// Trains one stage: forward and backward passes of micro-batches, gradient accumulation, optimizer steps. Bytes in, bytes out.
/// A backward pass has two halves, which may be run apart: first the gradient by the stage's input, later those by its weights.
/// </summary>
/// <remarks>Belongs to one compute lane: create, use and dispose it there.</remarks>
public sealed class StageTrainer : IDisposable
{
    private readonly LlamaStage _stage;
    private readonly int _inputWidth;
    private readonly bool _recompute;
    private readonly WireFormat _wireFormat;
    private readonly Dictionary<long, LivePass> _live = [];
    private float[]? _valuesBefore;

    /// <summary>Creates a stage with zero parameters and fresh optimizer state.</summary>
    /// <param name="model">The whole model's shape.</param>
    /// <param name="blocks">The blocks of this stage.</param>
    /// <param name="optimizer">The optimizer's settings.</param>
    /// <param name="recompute">Whether a waiting micro-batch keeps its input only, and is run forward again by its backward pass.</param>
    /// <param name="wireFormat">How activations and gradients come in and go out.</param>
    public StageTrainer(ModelConfiguration model, BlockRange blocks, OptimizerSettings optimizer, bool recompute = false, WireFormat wireFormat = WireFormat.Float32)
    {
        _stage = new LlamaStage(model, blocks);
        _inputWidth = model.BoundaryWidth(blocks.First);
        _recompute = recompute;
        _wireFormat = wireFormat;
        Optimizer = new AdamW(optimizer, _stage.Parameters.Layout.Count);
    }

    /// <summary>The stage's parameters and gradients.</summary>
    public StageParameters Parameters => _stage.Parameters;

    /// <summary>The stage itself.</summary>
    internal LlamaStage Stage => _stage;

    /// <summary>The optimizer's state.</summary>
    public AdamW Optimizer { get; }

    /// <summary>Micro-batches that were run forward and whose backward pass is not complete, nor taken out.</summary>
    public int LiveMicroBatches => _live.Count;

    /// <summary>Runs a micro-batch forward and keeps what its backward pass needs.</summary>
    /// <param name="microBatch">Names the micro-batch until its backward pass.</param>
    /// <param name="input">Tokens or activation, and targets.</param>
    /// <param name="contextLength">Tokens per sequence.</param>
    /// <param name="output">Receives the activation [sequences, time, boundary]; empty for the last stage.</param>
    /// <returns>The micro-batch's mean loss from the last stage, otherwise NaN.</returns>
    public float Forward(long microBatch, StageInput input, int contextLength, Span<byte> output)
    {
        using var scope = NewDisposeScope();
        var stageInput = Receive(input, contextLength).DetachFromDisposeScope();
        var targets = _stage.IsLast ? tensor(input.Targets.ToArray()).view(-1, contextLength).DetachFromDisposeScope() : null;
        var pass = new LivePass(stageInput, targets);
        _live.Add(microBatch, pass);
        if (_recompute)
        {
            return Deliver(Run(pass, record: null), output);
        }

        pass.Record = new PassRecord();
        pass.Output = Run(pass, pass.Record).DetachFromDisposeScope();
        return Deliver(pass.Output, output);
    }

    /// <summary>Delivers the activation of a live micro-batch once more.</summary>
    /// <param name="microBatch">A micro-batch that was run forward.</param>
    /// <param name="output">Receives the activation [sequences, time, model].</param>
    public void Repeat(long microBatch, Span<byte> output)
    {
        using var scope = NewDisposeScope();
        var pass = Find(microBatch);
        Deliver(pass.Output ?? Run(pass, record: null), output);
    }

    /// <summary>Runs a whole backward pass; gradients of the weights accumulate.</summary>
    /// <inheritdoc cref="BackwardInput" path="/param" />
    public void Backward(long microBatch, ReadOnlySpan<byte> outputGradient, float lossScale, Span<byte> inputGradient)
    {
        BackwardInput(microBatch, outputGradient, lossScale, inputGradient);
        BackwardWeights(microBatch);
    }

    /// <summary>The first half of a micro-batch's backward pass: the gradient by the stage's input.</summary>
    /// <param name="microBatch">A micro-batch that was run forward.</param>
    /// <param name="outputGradient">Gradient by the activation that <see cref="Forward"/> returned; empty for the last stage.</param>
    /// <param name="lossScale">Factor on the loss, one over the step's micro-batches; only the last stage uses it.</param>
    /// <param name="inputGradient">Receives the gradient by the stage's input; empty for the first stage.</param>
    public void BackwardInput(long microBatch, ReadOnlySpan<byte> outputGradient, float lossScale, Span<byte> inputGradient)
    {
        using var scope = NewDisposeScope();
        var pass = Find(microBatch);
        if (pass.Record is null)
        {
            pass.Record = new PassRecord();
            pass.Output = Run(pass, pass.Record).DetachFromDisposeScope();
        }

        var seed = _stage.IsLast ? tensor(lossScale) : Unpack(outputGradient, pass.Output!.shape);
        if (pass.Record.BackwardInput(seed) is { } gradient)
        {
            Pack(gradient, inputGradient);
        }
    }

    /// <summary>The second half of a micro-batch's backward pass: the gradients by the weights, which accumulate.</summary>
    /// <param name="microBatch">A micro-batch whose first half is done.</param>
    public void BackwardWeights(long microBatch)
    {
        using var rest = TakeBackwardWeights(microBatch);
        rest.Run();
    }

    /// <summary>Takes the second half of a micro-batch's backward pass out, to be run on any lane.</summary>
    /// <inheritdoc cref="BackwardWeights" path="/param" />
    internal PendingWeightGradients TakeBackwardWeights(long microBatch)
    {
        var pass = Find(microBatch);
        if (pass.Record is null)
        {
            throw new InvalidOperationException($"micro-batch {microBatch} was not run backward");
        }

        _live.Remove(microBatch);
        return new PendingWeightGradients(pass.Record, pass);
    }

    /// <summary>Runs a micro-batch forward without keeping anything.</summary>
    /// <inheritdoc cref="Forward" path="/returns" />
    public float Evaluate(StageInput input, int contextLength, Span<byte> output)
    {
        using var scope = NewDisposeScope();
        using var noGradient = inference_mode();
        using var pass = new LivePass(Receive(input, contextLength), _stage.IsLast ? tensor(input.Targets.ToArray()).view(-1, contextLength) : null);
        return Deliver(Run(pass, record: null), output);
    }

    /// <summary>Takes an optimizer step with the accumulated gradients and clears them.</summary>
    /// <param name="step">The step, from one.</param>
    /// <param name="learningRate">Its learning rate.</param>
    /// <param name="gradientScale">Factor on the gradients, from clipping.</param>
    public void Step(long step, double learningRate, double gradientScale) =>
        Optimizer.Step(Parameters.Values, Parameters.Gradients, Parameters.Layout.MatrixCount, step, learningRate, gradientScale);

    /// <summary>
    /// Takes an optimizer step before it is known whether its gradients must be scaled, as if they need not be. What follows is
    /// <see cref="ConfirmStep"/> or <see cref="TakeStepBack"/>; until then no backward pass may run.
    /// </summary>
    /// <inheritdoc cref="Step" path="/param" />
    public void StepAhead(long step, double learningRate)
    {
        _valuesBefore ??= new float[Parameters.Layout.Count];
        Parameters.Values.CopyTo(_valuesBefore);
        Optimizer.StepValues(Parameters.Values, Parameters.Gradients, Parameters.Layout.MatrixCount, step, learningRate);
    }

    /// <summary>Completes a step that was taken ahead.</summary>
    /// <inheritdoc cref="Step" path="/param" />
    public void ConfirmStep(long step, double learningRate) =>
        Optimizer.StepMoments(Parameters.Values, Parameters.Gradients, Parameters.Layout.MatrixCount, step, learningRate);

    /// <summary>Takes back a step that was taken ahead: the weights are what they were.</summary>
    public void TakeStepBack() => _valuesBefore.CopyTo(Parameters.Values);

    /// <summary>Forgets a micro-batch that was run forward, as if it had not been.</summary>
    public void Forget(long microBatch)
    {
        var pass = Find(microBatch);
        _live.Remove(microBatch);
        pass.Dispose();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var pass in _live.Values)
        {
            pass.Dispose();
        }

        _live.Clear();
        _stage.Dispose();
    }

    private LivePass Find(long microBatch) =>
        _live.GetValueOrDefault(microBatch) ?? throw new InvalidOperationException($"micro-batch {microBatch} was not run forward");

    /// <summary>Activation, or the loss of the last stage.</summary>
    private Tensor Run(LivePass pass, PassRecord? record)
    {
        var result = _stage.Forward(pass.Input, record);
        return pass.Targets is null ? result : Layers.CrossEntropy(result, pass.Targets, record);
    }

    private float Deliver(Tensor result, Span<byte> output)
    {
        if (_stage.IsLast)
        {
            return result.item<float>();
        }

        Pack(result, output);
        return float.NaN;
    }

    private void Pack(Tensor tensor, Span<byte> wire)
    {
        using var dense = tensor.contiguous();
        WireTensor.Pack(_wireFormat, MemoryMarshal.Cast<byte, float>(dense.bytes), (int)tensor.shape[^1], wire);
    }

    private Tensor Receive(StageInput input, int contextLength)
    {
        if (_stage.IsFirst)
        {
            return tensor(input.Tokens.ToArray()).view(-1, contextLength);
        }

        var sequenceBytes = contextLength * WireTensor.RowByteCount(_wireFormat, _inputWidth);
        return Unpack(input.Activation, [input.Activation.Length / sequenceBytes, contextLength, _inputWidth]);
    }

    private Tensor Unpack(ReadOnlySpan<byte> wire, long[] shape)
    {
        var received = empty(shape, ScalarType.Float32);
        WireTensor.Unpack(_wireFormat, wire, (int)shape[^1], MemoryMarshal.Cast<byte, float>(received.bytes));
        return received;
    }

    /// <summary>A micro-batch whose graph, or with recomputation its input, waits for its gradient.</summary>
    private sealed record LivePass(Tensor Input, Tensor? Targets) : IDisposable
    {
        public PassRecord? Record { get; set; }

        public Tensor? Output { get; set; }

        public void Dispose()
        {
            Record?.Dispose();
            Output?.Dispose();
            Targets?.Dispose();
            Input.Dispose();
        }
    }
}
