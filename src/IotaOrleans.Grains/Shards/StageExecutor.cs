using System.Diagnostics;
using System.Runtime.InteropServices;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Optimizers;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Shards;

/// <summary>Carries out single instructions of a stage's program. Runs on the lane.</summary>
/// <param name="shard">The shard.</param>
/// <param name="assignment">Its place in the run.</param>
/// <param name="trainer">The stage.</param>
/// <param name="data">The tokens, in the first and the last stage.</param>
/// <param name="frames">The shard's frames.</param>
/// <param name="owed">Gradients of weights that follow later.</param>
/// <param name="gradients">What the stage's replicas add up.</param>
/// <param name="isSpokesman">Whether the shard tells other stages what all of its replicas know.</param>
internal sealed class StageExecutor(
    ShardKey shard, ShardAssignment assignment, StageTrainer trainer, ShardData? data, ShardFrames frames, OwedGradients owed, ReplicaGradients gradients, bool isSpokesman)
{
    /// <summary>Activations of forward-only work that may be on their way to a stage.</summary>
    public const int EvaluationCredits = 4;

    private bool _isAhead;

    private TrainingRunSpecification Specification => assignment.Specification;

    private bool IsFirst => assignment.Stage == 0;

    private bool IsLast => assignment.Stage == Specification.Stages.Length - 1;

    private IEnumerable<int> OtherStages => Enumerable.Range(0, Specification.Stages.Length).Where(stage => stage != assignment.Stage);

    private int OtherTiedStage => IsFirst ? Specification.Stages.Length - 1 : 0;

    /// <summary>Whether the last update's gradients were used as they were, and not scaled down.</summary>
    public bool LastWasUnscaled { get; private set; }

    /// <summary>Whether everything that an instruction needs is there.</summary>
    public bool InputsArrived(WorkOrder order, StageOp op) => op.Kind switch
    {
        StageOpKind.Forward => ActivationArrived(order, op),
        StageOpKind.Evaluate => ActivationArrived(order, op) && (!NeedsCredit(op) || frames.Arrived(FrameKind.Credit, order, op.MicroBatch - EvaluationCredits)),
        StageOpKind.Backward or StageOpKind.BackwardInput => IsLast || frames.Arrived(FrameKind.Gradient, order, op.MicroBatch),
        StageOpKind.ReduceGradient => gradients.PartsArrived(order, op.MicroBatch),
        StageOpKind.TakeGradient => gradients.SumsArrived(order, op.MicroBatch),
        StageOpKind.AddTiedGradient => frames.Arrived(FrameKind.TiedGradient, order, OtherTiedStage),
        StageOpKind.Update => OtherStages.All(stage => frames.Arrived(FrameKind.GradientNorm, order, stage)),
        _ => true,
    };

    /// <summary>Carries out an instruction whose inputs have arrived.</summary>
    /// <returns>How long it took, on whichever lanes; null when another lane is at a part of it, and wakes this one when that has ended.</returns>
    public TimeSpan? Execute(OrderInProgress current, StageOp op)
    {
        var start = Stopwatch.GetTimestamp();
        switch (op.Kind)
        {
            case StageOpKind.Forward:
            case StageOpKind.Evaluate:
                Forward(current, op);
                break;
            case StageOpKind.Backward:
                BackwardInput(current, op);
                BackwardWeights(current);
                break;
            case StageOpKind.BackwardInput:
                BackwardInput(current, op);
                OfferOwed();
                break;
            case StageOpKind.BackwardWeights:
                return BackwardWeights(current);
            case StageOpKind.ShareGradient:
                gradients.Share(current.Order, op.MicroBatch);
                break;
            case StageOpKind.ReduceGradient:
                gradients.Reduce(current.Order, op.MicroBatch);
                break;
            case StageOpKind.TakeGradient:
                gradients.Take(current.Order, op.MicroBatch);
                break;
            case StageOpKind.ShareTiedGradient:
                ShareTiedGradient(current);
                break;
            case StageOpKind.AddTiedGradient:
                AddTiedGradient(current);
                break;
            case StageOpKind.ShareGradientNorm:
                ShareGradientNorm(current);
                break;
            case StageOpKind.Update:
                Update(current);
                break;
            default:
                throw new InvalidOperationException($"unknown instruction {op}");
        }

        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>
    /// Whether an order that has only its update left may go on with the next one: the schedule wants it, and it can be expected that the update's
    /// gradients need not be scaled.
    /// </summary>
    public bool MayGoAhead(OrderInProgress current)
    {
        var bound = Specification.Optimizer.GradientClip;
        return PipelineSchedule.OverlapsSteps(Specification.Schedule) && LastWasUnscaled && (bound == 0 || current.SumOfSquares <= bound * bound);
    }

    /// <summary>
    /// Takes an order's update before the other stages' norms are known (post-validation: Qi et al., 2023, section 4). Forward passes of the next
    /// order may follow; what they send counts only when the norms turn out to be as expected, which every stage finds out by itself.
    /// </summary>
    public void UpdateAhead(OrderInProgress current)
    {
        trainer.StepAhead(current.Order.Step, current.Order.LearningRate);
        _isAhead = true;
    }

    /// <summary>Forgets the forward passes of an order that was gone ahead with.</summary>
    public void Forget(OrderInProgress ahead)
    {
        foreach (var op in ahead.Program[..ahead.Next])
        {
            trainer.Forget(LiveKey(ahead.Order, op));
        }
    }

    /// <summary>Replicas know the same: one of them tells all of another stage.</summary>
    private IEnumerable<int> ReplicasToTell(int stage) => isSpokesman ? Enumerable.Range(0, Specification.Miners[stage].Length) : [];

    private bool ActivationArrived(WorkOrder order, StageOp op) => IsFirst || ArrivedActivation(order, op) is not null;

    /// <summary>
    /// Which activation of a micro-batch may be run now. One that was sent ahead counts as long as nothing speaks against its weights; while this
    /// stage is ahead itself it takes no others: the stage before would not send them again.
    /// </summary>
    private FrameKind? ArrivedActivation(WorkOrder order, StageOp op) =>
        !_isAhead && frames.Arrived(FrameKind.Activation, order, op.MicroBatch) ? FrameKind.Activation
        : (_isAhead || LastWasUnscaled) && frames.Arrived(FrameKind.ActivationAhead, order, op.MicroBatch) ? FrameKind.ActivationAhead
        : null;

    /// <summary>Training needs no credits of its own: the gradient that returns is one, and the schedule bounds what is under way.</summary>
    private bool NeedsCredit(StageOp op) => !IsLast && op.MicroBatch >= EvaluationCredits;

    private void Forward(OrderInProgress current, StageOp op)
    {
        var evaluates = op.Kind == StageOpKind.Evaluate;
        var (tokens, targets) = data?.Read(current.Order, op.MicroBatch) ?? ([], []);
        using var activation = IsFirst ? null : frames.Take(ArrivedActivation(current.Order, op) ?? FrameKind.Activation, current.Order, op.MicroBatch);
        if (evaluates && activation is not null)
        {
            frames.SendCredit(current.Order, op.MicroBatch);
        }

        if (evaluates && NeedsCredit(op))
        {
            frames.Take(FrameKind.Credit, current.Order, op.MicroBatch - EvaluationCredits).Dispose();
        }

        var input = new StageInput
        {
            Tokens = tokens,
            Targets = targets,
            Activation = activation is null ? [] : activation.Payload.Span,
        };
        var output = IsLast ? null : frames.RentActivation(_isAhead ? FrameKind.ActivationAhead : FrameKind.Activation, current.Order, op.MicroBatch, (activation?.Header.Pathway ?? []).Add(shard.Miner));
        try
        {
            var destination = output is null ? [] : output.Payload.Span;
            var loss = evaluates
                ? trainer.Evaluate(input, Specification.ContextLength, destination)
                : trainer.Forward(LiveKey(current.Order, op), input, Specification.ContextLength, destination);
            current.ForwardPasses++;
            if (IsLast)
            {
                current.AddLoss(loss, ShardData.Sequences(Specification, current.Order, op.MicroBatch));
            }
        }
        catch
        {
            output?.Dispose();
            throw;
        }

        if (output is not null)
        {
            frames.SendToOwner(assignment.Stage + 1, current.Order, output);
        }
    }

    private void BackwardInput(OrderInProgress current, StageOp op)
    {
        using var gradient = IsLast ? null : frames.Take(FrameKind.Gradient, current.Order, op.MicroBatch);
        var output = IsFirst ? null : frames.RentActivation(FrameKind.Gradient, current.Order, op.MicroBatch, []);
        try
        {
            trainer.BackwardInput(
                LiveKey(current.Order, op),
                gradient is null ? [] : gradient.Payload.Span,
                1f / Specification.MicroBatches,
                output is null ? [] : output.Payload.Span);
        }
        catch
        {
            output?.Dispose();
            throw;
        }

        owed.Add(LiveKey(current.Order, op));
        if (output is not null)
        {
            frames.SendToOwner(assignment.Stage - 1, current.Order, output);
        }
    }

    /// <summary>Completes the oldest backward pass that is not complete: in every schedule they are completed in the order in which they began.</summary>
    private TimeSpan? BackwardWeights(OrderInProgress current)
    {
        var start = Stopwatch.GetTimestamp();
        if ((owed.TakeEnded() ?? owed.RunNext()) is not { } added)
        {
            return null;
        }

        current.BackwardPasses++;
        OfferOwed();
        // Its tensors are freed here too; unless it was begun before this call, and then waited for other lanes.
        var here = Stopwatch.GetElapsedTime(start);
        return here + added.Helped > added.Elapsed ? here + added.Helped : added.Elapsed;
    }

    /// <summary>
    /// Schedules that are to leave nobody idle let other lanes help with what a stage puts off, or all would wait for the slowest one. The others are
    /// run as they are written.
    /// </summary>
    private void OfferOwed()
    {
        if (PipelineSchedule.OverlapsSteps(Specification.Schedule))
        {
            owed.Offer();
        }
    }

    private void ShareTiedGradient(OrderInProgress current)
    {
        foreach (var replica in ReplicasToTell(OtherTiedStage))
        {
            var frame = frames.Rent(FrameKind.TiedGradient, current.Order, 0, TensorElementType.Float32, [Specification.Model.VocabularySize, Specification.Model.HiddenSize], []);
            MemoryMarshal.AsBytes(trainer.Parameters.GradientOf(LlamaStage.EmbeddingName)).CopyTo(frame.Payload.Span);
            frames.Send(OtherTiedStage, replica, frame);
        }
    }

    private void AddTiedGradient(OrderInProgress current)
    {
        using var frame = frames.Take(FrameKind.TiedGradient, current.Order, OtherTiedStage);
        var gradient = trainer.Parameters.GradientOf(LlamaStage.EmbeddingName);
        // Addition commutes bit for bit, so both copies get the same gradient and stay equal.
        GradientSum.Add(gradient, MemoryMarshal.Cast<byte, float>(frame.Payload.Span));
    }

    private void ShareGradientNorm(OrderInProgress current)
    {
        current.SumOfSquares = GradientNorm.SumOfSquares(trainer.Parameters.Gradients);
        if (IsLast && StageProgram.HoldsTiedCopy(Specification, assignment.Stage))
        {
            // The tied embedding is one parameter: the first stage counts it.
            current.SumOfSquares -= GradientNorm.SumOfSquares(trainer.Parameters.GradientOf(LlamaStage.EmbeddingName));
        }

        foreach (var stage in OtherStages)
        {
            foreach (var replica in ReplicasToTell(stage))
            {
                var frame = frames.Rent(FrameKind.GradientNorm, current.Order, 0, TensorElementType.Float64, [1], []);
                MemoryMarshal.Write(frame.Payload.Span, current.SumOfSquares);
                frames.Send(stage, replica, frame);
            }
        }
    }

    private void Update(OrderInProgress current)
    {
        var norm = GlobalNorm(current);
        if (!double.IsFinite(norm))
        {
            throw new IotaException(ExitCode.Failed, $"the gradient of step {current.Order.Step} is not finite: lower --learning-rate, or raise --warmup-steps");
        }

        current.GradientNorm = norm;
        var scale = GradientNorm.ClipScale(norm, Specification.Optimizer.GradientClip);
        (var wasAhead, _isAhead, LastWasUnscaled) = (_isAhead, false, scale == 1);
        if (wasAhead && LastWasUnscaled)
        {
            trainer.ConfirmStep(current.Order.Step, current.Order.LearningRate);
            return;
        }

        if (wasAhead)
        {
            trainer.TakeStepBack();
        }

        trainer.Step(current.Order.Step, current.Order.LearningRate, scale);
    }

    /// <summary>Norm of the whole model's gradient: every stage adds the same numbers in the same order.</summary>
    private double GlobalNorm(OrderInProgress current)
    {
        var sum = 0.0;
        for (var stage = 0; stage < Specification.Stages.Length; stage++)
        {
            if (stage == assignment.Stage)
            {
                sum += current.SumOfSquares;
                continue;
            }

            using var frame = frames.Take(FrameKind.GradientNorm, current.Order, stage);
            sum += MemoryMarshal.Read<double>(frame.Payload.Span);
        }

        return Math.Sqrt(sum);
    }

    /// <summary>Names a live micro-batch across orders.</summary>
    private long LiveKey(WorkOrder order, StageOp op) => (order.Sequence * Specification.MicroBatches) + op.MicroBatch;
}
