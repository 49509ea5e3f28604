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

    /// <summary>Activation [sequences, time, model] in fp32; empty for the first stage.</summary>
    public ReadOnlySpan<byte> Activation { get; init; }

    /// <summary>Next token ids [sequences × time], row by row; only the last stage reads them.</summary>
    public ReadOnlySpan<long> Targets { get; init; }
}

/// <summary>
/// Trains one stage: forward and backward passes of micro-batches, gradient accumulation, optimizer steps. Bytes in, bytes out.
/// </summary>
/// <remarks>Belongs to one compute lane: create, use and dispose it there.</remarks>
public sealed class StageTrainer : IDisposable
{
    private readonly ModelConfiguration _model;
    private readonly LlamaStage _stage;
    private readonly Dictionary<long, LivePass> _live = [];

    /// <summary>Creates a stage with zero parameters and fresh optimizer state.</summary>
    public StageTrainer(ModelConfiguration model, BlockRange blocks, OptimizerSettings optimizer)
    {
        _model = model;
        _stage = new LlamaStage(model, blocks);
        Optimizer = new AdamW(optimizer, _stage.Parameters.Layout.Count);
    }

    /// <summary>The stage's parameters and gradients.</summary>
    public StageParameters Parameters => _stage.Parameters;

    /// <summary>The stage itself.</summary>
    internal LlamaStage Stage => _stage;

    /// <summary>The optimizer's state.</summary>
    public AdamW Optimizer { get; }

    /// <summary>Micro-batches that were run forward and not yet backward.</summary>
    public int LiveMicroBatches => _live.Count;

    /// <summary>Runs a micro-batch forward and keeps what its backward pass needs.</summary>
    /// <param name="microBatch">Names the micro-batch until its backward pass.</param>
    /// <param name="input">Tokens or activation, and targets.</param>
    /// <param name="contextLength">Tokens per sequence.</param>
    /// <param name="output">Receives the activation [sequences, time, model]; empty for the last stage.</param>
    /// <returns>The micro-batch's mean loss from the last stage, otherwise NaN.</returns>
    public float Forward(long microBatch, StageInput input, int contextLength, Span<byte> output)
    {
        using var scope = NewDisposeScope();
        var stageInput = Receive(input, contextLength);
        if (!_stage.IsFirst)
        {
            stageInput.requires_grad_(true);
        }

        var result = _stage.Forward(stageInput);
        var loss = float.NaN;
        if (_stage.IsLast)
        {
            result = LlamaStage.Loss(result, tensor(input.Targets.ToArray()).view(-1, contextLength));
            loss = result.item<float>();
        }
        else
        {
            result.bytes.CopyTo(output);
        }

        _live.Add(microBatch, new LivePass(stageInput.DetachFromDisposeScope(), result.DetachFromDisposeScope()));
        return loss;
    }

    /// <summary>Runs a micro-batch backward; gradients of the parameters accumulate.</summary>
    /// <param name="microBatch">A micro-batch that was run forward.</param>
    /// <param name="outputGradient">Gradient by the activation that <see cref="Forward"/> returned; empty for the last stage.</param>
    /// <param name="lossScale">Factor on the loss, one over the step's micro-batches; only the last stage uses it.</param>
    /// <param name="inputGradient">Receives the gradient by the stage's input; empty for the first stage.</param>
    public void Backward(long microBatch, ReadOnlySpan<byte> outputGradient, float lossScale, Span<byte> inputGradient)
    {
        using var scope = NewDisposeScope();
        if (!_live.Remove(microBatch, out var pass))
        {
            throw new InvalidOperationException($"micro-batch {microBatch} was not run forward");
        }

        using (pass)
        {
            if (_stage.IsLast)
            {
                pass.Output.backward([tensor(lossScale)]);
            }
            else
            {
                var gradient = empty(pass.Output.shape, ScalarType.Float32);
                outputGradient.CopyTo(gradient.bytes);
                pass.Output.backward([gradient]);
            }

            if (!_stage.IsFirst)
            {
                using var gradient = pass.Input.grad!.contiguous();
                gradient.bytes.CopyTo(inputGradient);
            }
        }
    }

    /// <summary>Runs a micro-batch forward without keeping anything.</summary>
    /// <inheritdoc cref="Forward" path="/returns" />
    public float Evaluate(StageInput input, int contextLength, Span<byte> output)
    {
        using var scope = NewDisposeScope();
        using var noGradient = inference_mode();
        var result = _stage.Forward(Receive(input, contextLength));
        if (_stage.IsLast)
        {
            return LlamaStage.Loss(result, tensor(input.Targets.ToArray()).view(-1, contextLength)).item<float>();
        }

        result.bytes.CopyTo(output);
        return float.NaN;
    }

    /// <summary>Takes an optimizer step with the accumulated gradients and clears them.</summary>
    /// <param name="step">The step, from one.</param>
    /// <param name="learningRate">Its learning rate.</param>
    /// <param name="gradientScale">Factor on the gradients, from clipping.</param>
    public void Step(long step, double learningRate, double gradientScale) =>
        Optimizer.Step(Parameters.Values, Parameters.Gradients, Parameters.Layout.MatrixCount, step, learningRate, gradientScale);

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

    private Tensor Receive(StageInput input, int contextLength)
    {
        if (_stage.IsFirst)
        {
            return tensor(input.Tokens.ToArray()).view(-1, contextLength);
        }

        var rowBytes = (long)contextLength * _model.HiddenSize * sizeof(float);
        var activation = empty([input.Activation.Length / rowBytes, contextLength, _model.HiddenSize], ScalarType.Float32);
        input.Activation.CopyTo(activation.bytes);
        return activation;
    }

    /// <summary>Input and output of a forward pass whose graph waits for its gradient.</summary>
    private sealed record LivePass(Tensor Input, Tensor Output) : IDisposable
    {
        public void Dispose()
        {
            Input.grad?.Dispose();
            Input.Dispose();
            Output.Dispose();
        }
    }
}
