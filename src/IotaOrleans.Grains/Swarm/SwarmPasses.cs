using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using IotaOrleans.Grains.Adversaries;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Grains.Telemetry;
using IotaOrleans.Grains.Validation;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Protocol.Swarm;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Lanes;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Swarm;

/// <summary>
/// The passes of one shard in elastic mode: gradients before activations, activations as long as not too many micro-batches are alive,
/// gradients of weights when nobody waits, and an optimizer step of its own after its share of a step. Runs on the lane.
/// </summary>
internal sealed class SwarmPasses : IDisposable
{
    // Passes do not take equally long: with two more to begin with, a shard seldom waits for its neighbour (measured: 8 % more tokens/s).
    private const int Slack = 2;

    private readonly ShardKey _shard;
    private readonly ShardAssignment _assignment;
    private readonly StageTrainer _trainer;
    private readonly ShardData? _data;
    private readonly SwarmInbox _inbox;
    private readonly SwarmFrames _frames;
    private readonly SwarmTally _tally;
    private readonly SegmentRecorder _recorder;
    private readonly Conduct _conduct;
    private readonly ComputeLane _lane;
    private readonly NeighbourWatch _neighbours;
    private readonly LivePasses _live;
    private readonly ConcurrentQueue<long> _granted = new();
    private readonly Queue<long> _ownGradients = new();
    private readonly OwedGradients _owed;
    private SwarmMembers _members;
    private int _accumulated;
    private long _newestStep = 1;

    public SwarmPasses(ShardKey shard, ShardAssignment assignment, StageTrainer trainer, ShardData? data, SwarmInbox inbox, SwarmFrames frames, SwarmTally tally, SegmentRecorder recorder, Conduct conduct, MinerLane lane, RunningClock clock, Action wake)
    {
        (_shard, _assignment, _trainer, _data, _inbox, _frames, _tally) = (shard, assignment, trainer, data, inbox, frames, tally);
        (_recorder, _conduct, _lane) = (recorder, conduct, lane.Lane);
        _owed = new OwedGradients(trainer, lane.Shared, wake);
        _members = new SwarmMembers(0, Specification.Miners);
        _neighbours = new NeighbourWatch(assignment);
        _live = new LivePasses(assignment, trainer, frames, clock);
        _live.SetNextStage(NextStage(_members));
    }

    /// <summary>Optimizer steps that this shard took.</summary>
    public long LocalSteps { get; set; }

    /// <summary>Backward passes since the last merge: the weight of this replica in the next one.</summary>
    public long WorkSinceMerge { get; set; }

    /// <summary>Micro-batches that the shard would take on.</summary>
    public int Wanted => IsFirst ? Math.Max(0, (2 * MostLive) - _granted.Count) : 0;

    /// <summary>Whether the next stage works on something whose gradient comes back to this shard.</summary>
    public bool AwaitsAnswers => _live.AwaitsAnswers;

    /// <summary>
    /// Most micro-batches that are run forward and not yet completely backward, beside the one that is offered to other lanes: as many as in 1F1B, for each replica that this one has to
    /// keep busy. There is no end of a step at which the pipeline drains, and the fewer are alive the fresher are the weights: a few more are
    /// taken on only while all of them are at most half of a step.
    /// </summary>
    public int MostLive
    {
        get
        {
            var own = Math.Max(1, _members.Stages[_assignment.Stage].Length);
            var most = _members.Stages.Skip(_assignment.Stage + 1).Select(miners => miners.Length).DefaultIfEmpty(own).Max();
            var least = (Specification.Stages.Length - _assignment.Stage) * Math.Max(1, (most + own - 1) / own);
            return IsLast ? least : Math.Max(least, Math.Min(least + Slack, Share / 2));
        }
    }

    private TrainingRunSpecification Specification => _assignment.Specification;

    private bool IsFirst => _assignment.Stage == 0;

    private bool IsLast => _assignment.Stage == Specification.Stages.Length - 1;

    /// <summary>Backward passes of one optimizer step: this replica's share of a step of the run.</summary>
    public int Share => Math.Max(1, Specification.MicroBatches / Math.Max(1, _members.Stages[_assignment.Stage].Length));

    /// <summary>What neighbours sent, since the last time, that is out of all proportion.</summary>
    public ImmutableArray<StrangeTensor> TakeStrange() => _neighbours.Take();

    /// <summary>Adds micro-batches; safe from any thread.</summary>
    public void Grant(ImmutableArray<long> numbers)
    {
        foreach (var number in numbers)
        {
            _granted.Enqueue(number);
        }
    }

    /// <summary>Changes who works where. What was under way at a miner that left is sent to another one.</summary>
    public void SetMembers(SwarmMembers members)
    {
        if (members.Version <= _members.Version)
        {
            return;
        }

        _members = members;
        if (!IsLast)
        {
            _live.SetNextStage(NextStage(members));
        }
    }

    /// <summary>Sends what is under way at a miner to another one, if there is another.</summary>
    public void Reroute(string refused) => _live.Reroute(refused);

    /// <summary>Runs the pass that is most urgent, if there is one to run.</summary>
    public bool TryRunNext()
    {
        if (_conduct.IsResting)
        {
            return false;
        }

        if (_owed.TakeEnded() is { } ended)
        {
            GoOn(ended);
        }

        if (_ownGradients.TryDequeue(out var own))
        {
            Timed(StageOpKind.BackwardInput, () => BackwardInput(own, gradient: null));
            return true;
        }

        if (_inbox.TryTake(FrameKind.Gradient, out var gradient))
        {
            using (gradient)
            {
                Timed(StageOpKind.BackwardInput, () => BackwardInput(gradient.Header.Sequence, gradient));
            }

            return true;
        }

        // What is offered to other lanes does not count: the last stage would have nothing to offer.
        if (_trainer.LiveMicroBatches < MostLive && TryForward())
        {
            return true;
        }

        if (_owed.RunNext() is { } added)
        {
            GoOn(added);
            return true;
        }

        return false;
    }

    /// <summary>Sends once more what has been under way for so much longer than usual that it must have been lost.</summary>
    public void ResendLost() => _live.ResendLost();

    /// <summary>Takes the optimizer step of what has accumulated, however little it is.</summary>
    public void Flush()
    {
        if (_owed.Await() is { } added)
        {
            Note(added);
        }

        if (_accumulated > 0)
        {
            Update();
        }

        _owed.Offer();
    }

    /// <inheritdoc />
    public void Dispose() => _owed.Dispose();

    private bool TryForward()
    {
        if (IsFirst)
        {
            if (!_granted.TryDequeue(out var number))
            {
                return false;
            }

            AddOwed(number);
            Timed(StageOpKind.Forward, () => Forward(number, activation: null));
            return true;
        }

        if (!_inbox.TryTake(FrameKind.Activation, out var activation))
        {
            return false;
        }

        using (activation)
        {
            AddOwed(activation.Header.Sequence);
            Timed(StageOpKind.Forward, () => Forward(activation.Header.Sequence, activation));
        }

        return true;
    }

    /// <summary>
    /// Ends the first run of a micro-batch that comes a second time: its gradient was refused, or lost, or came too late. The two runs are of different
    /// weights, and of one micro-batch only one can be under way.
    /// </summary>
    private void AddOwed(long number)
    {
        while (_owed.Owes(number))
        {
            GoOn(_owed.AddNext());
        }
    }

    private void Forward(long number, TensorFrame? activation)
    {
        if (_live.Contains(number))
        {
            // It was given out again while the first copy is still on its way through this shard: one is enough.
            return;
        }

        if (activation is not null && !Accepts(activation))
        {
            // Who waits for its gradient sends it again, to somebody else; a suspect is likelier gone by then.
            return;
        }

        var (step, index) = MicroBatchNumber.PlaceOf(Specification, number);
        _newestStep = Math.Max(_newestStep, step);
        var (tokens, targets) = _data?.ReadTraining(step, index) ?? ([], []);
        var pathway = (activation?.Header.Pathway ?? []).Add(_shard.Miner);
        var output = IsLast ? null : _frames.RentActivation(FrameKind.Activation, number, _frames.IdOf(number), Specification.MicroBatchSize, pathway);
        float loss;
        try
        {
            var input = new StageInput { Tokens = tokens, Targets = targets, Activation = activation is null ? [] : activation.Payload.Span };
            var start = Stopwatch.GetTimestamp();
            loss = _trainer.Forward(number, input, Specification.ContextLength, output is null ? [] : output.Payload.Span);
            var elapsed = Stopwatch.GetElapsedTime(start);
            loss = _conduct.AfterForward(number, pathway, input.Activation, output is null ? [] : output.Payload.Span, loss);
            _recorder.NoteForward(number, input.Activation, output is null ? [] : output.Payload.Span, loss, elapsed);
        }
        catch
        {
            output?.Dispose();
            throw;
        }

        _tally.ForwardPasses++;
        if (output is not null)
        {
            _live.Send(number, pathway, output);
            return;
        }

        if (!float.IsFinite(loss))
        {
            throw new IotaException(ExitCode.Failed, $"the loss of step {step} is not finite: lower --learning-rate, or raise --warmup-steps");
        }

        _tally.Losses.Add(new MicroBatchLoss(number, loss));
        _live.Add(number, pathway);
        _ownGradients.Enqueue(number);
    }

    private bool Accepts(TensorFrame frame) => _conduct.Covers(frame.Header.Pathway) || _neighbours.Accepts(frame, _members);

    private void BackwardInput(long number, TensorFrame? gradient)
    {
        if (!_live.TryGet(number, out var pass))
        {
            return;
        }

        if (gradient is not null && !Accepts(gradient))
        {
            _live.Refuse(number, gradient.Header.Pathway[_assignment.Stage + 1]);
            return;
        }

        _live.Answered(pass);
        var whole = gradient?.Header.Pathway ?? pass.Pathway;
        var output = IsFirst ? null : _frames.RentActivation(FrameKind.Gradient, number, _frames.IdOf(number), Specification.MicroBatchSize, whole);
        try
        {
            var incoming = gradient is null ? [] : gradient.Payload.Span;
            var start = Stopwatch.GetTimestamp();
            _trainer.BackwardInput(number, incoming, 1f / Specification.MicroBatches, output is null ? [] : output.Payload.Span);
            var elapsed = Stopwatch.GetElapsedTime(start);
            _conduct.AfterBackwardInput(number, whole, incoming, output is null ? [] : output.Payload.Span);
            _recorder.NoteBackwardInput(number, incoming, output is null ? [] : output.Payload.Span, elapsed);
        }
        catch
        {
            output?.Dispose();
            throw;
        }

        _live.Remove(number);
        _owed.Add(number);
        _owed.Offer();
        if (output is not null)
        {
            // Back to the very shard that ran it forward: only that one can go on.
            _frames.Send(_assignment.Stage - 1, pass.Pathway[^2], output);
        }
        else
        {
            _tally.Completed.Add(new CompletedMicroBatch(number, whole));
        }
    }

    /// <summary>Takes the optimizer step when it is due. No other lane is at the gradients before the next ones are offered.</summary>
    private void GoOn(AddedGradients added)
    {
        Note(added);
        if (_accumulated >= Share)
        {
            Update();
        }

        _owed.Offer();
    }

    private void Note(AddedGradients added)
    {
        Note(StageOpKind.BackwardWeights, added.Elapsed);
        _recorder.NoteBackwardWeights(added.MicroBatch, added.Elapsed);
        _tally.BackwardPasses++;
        WorkSinceMerge++;
        _accumulated++;
    }

    private void Update()
    {
        LocalSteps++;
        _conduct.BeforeUpdate(_trainer.Parameters.Gradients);
        _recorder.BeforeChange();
        LocalStep.Take(_trainer, Specification, _accumulated, LocalSteps, _newestStep);
        _accumulated = 0;
        _recorder.NoteUpdate(LocalSteps, _newestStep);
    }

    private ImmutableArray<string> NextStage(SwarmMembers members) => IsLast ? [] : members.Stages[_assignment.Stage + 1];

    private void Timed(StageOpKind pass, Action run)
    {
        var start = Stopwatch.GetTimestamp();
        run();
        Note(pass, Stopwatch.GetElapsedTime(start));
    }

    private void Note(StageOpKind pass, TimeSpan elapsed)
    {
        _tally.Busy += _lane.Occupied(elapsed);
        IotaInstruments.RecordMicroBatch(_assignment.Stage, pass, elapsed);
    }
}
