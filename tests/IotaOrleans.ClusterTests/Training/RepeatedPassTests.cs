using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Grains.Swarm;
using IotaOrleans.Grains.Validation;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Lanes;
using Microsoft.Extensions.Options;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>A micro-batch that comes to a shard again, because its gradient was refused on the way back, while the shard still owes gradients of its first run.</summary>
[Collection(TrainingCluster.Alone)]
public sealed class RepeatedPassTests : IDisposable
{
    private const int Stages = 3;
    private const int Middle = 1;
    private const int Last = 2;
    private static readonly Guid Session = Guid.NewGuid();

    private readonly TestRun _run = new(stages: Stages, replicas: [1, 1, 1]);

    private TrainingRunSpecification Specification => _run.Specification with { Mode = TrainingMode.Elastic, Validation = new ValidationSettings { Rate = 1 } };

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(Middle, false)]
    [InlineData(Middle, true)]
    [InlineData(Last, true)]
    public async Task Both_runs_are_whole_and_come_out_to_the_last_bit_when_they_are_done_again(int stage, bool offersGradients)
    {
        await using var shard = new Shard(Specification, stage, offersGradients);

        await shard.LoadAsync();
        if (stage == Last)
        {
            await shard.AcceptTogetherAsync(Activation(stage, 0), Activation(stage, 0));
        }
        else
        {
            await shard.AcceptTogetherAsync(Activation(stage, 0));
            await shard.AcceptTogetherAsync(Gradient(stage, 0), Activation(stage, 0));
            await shard.AcceptTogetherAsync(Gradient(stage, 0));
        }

        shard.Failures.Should().BeEmpty();
        var segments = await shard.CloseAsync();
        var ops = segments.SelectMany(segment => segment.Ops).Where(op => op.Number == 0).Select(op => op.Kind);
        TraceOpKind[] whole = [TraceOpKind.Forward, TraceOpKind.BackwardInput, TraceOpKind.BackwardWeights];
        ops.Where(whole.Contains).Should().Equal([.. whole, .. whole]);
        foreach (var segment in segments)
        {
            (await shard.ReplayAsync(segment)).Should().Match<AuditVerdict>(verdict => verdict.Outcome == AuditOutcome.Passed);
        }
    }

    private TensorFrame Activation(int stage, long number) => Frame(stage, FrameKind.Activation, number, stage);

    private TensorFrame Gradient(int stage, long number) => Frame(stage, FrameKind.Gradient, number, Stages);

    private TensorFrame Frame(int stage, FrameKind kind, long number, int miners)
    {
        var run = _run.Specification;
        var frame = TensorFrame.Rent(FramePool.Shared, new FrameHeader
        {
            Kind = kind,
            Session = Session,
            Sequence = number,
            MicroBatch = new MicroBatchId(run.Run, 0, 1, (int)number),
            SourceStage = kind == FrameKind.Activation ? stage - 1 : stage + 1,
            ElementType = TensorElementType.Float32,
            Shape = [run.MicroBatchSize, run.ContextLength, run.Model.HiddenSize],
            Pathway = [.. run.Miners.Take(miners).Select(replicas => replicas[0])],
        });
        MemoryMarshal.Cast<byte, float>(frame.Payload.Span).Fill(0.01f * (number + 1));
        return frame;
    }

    /// <summary>One shard, whose neighbours are the test; another lane of its silo may have something else to do all the time.</summary>
    private sealed class Shard : IAsyncDisposable
    {
        private readonly ShardAssignment _assignment;
        private readonly ManualResetEventSlim _end = new();
        private readonly ComputeLane _lane;
        private readonly ComputeLane? _busy;
        private readonly MinerKey _key = new(Options.Create(new IotaSiloOptions()));
        private readonly SwarmWorker _worker;
        private readonly ConcurrentQueue<SegmentRecord> _segments = new();

        public Shard(TrainingRunSpecification specification, int stage, bool offersGradients)
        {
            var shared = new SharedWork();
            _assignment = new ShardAssignment { Specification = specification, Stage = stage, Session = Session };
            _lane = new ComputeLane("own", shared: shared);
            if (offersGradients)
            {
                _busy = new ComputeLane("busy", shared: shared);
                _busy.TryPost(_end.Wait);
            }

            var control = new SwarmControl(Receive, report => Failures.Enqueue(report.Failure ?? ""), (receiver, failure) => Failures.Enqueue($"{receiver}: {failure.Message}"));
            _worker = new SwarmWorker(new ShardKey(specification.Run, stage, specification.Miners[stage][0]), _assignment, new MinerLane(_lane, shared, null), new Nowhere(), control, _key, TimeProvider.System);
        }

        public ConcurrentQueue<string> Failures { get; } = new();

        public Task LoadAsync() => _lane.RunAsync(_worker.Load);

        /// <summary>Lets frames come in while the lane is at something else, and waits until it is done with them.</summary>
        public async Task AcceptTogetherAsync(params TensorFrame[] frames)
        {
            using var arrived = new ManualResetEventSlim();
            _lane.TryPost(arrived.Wait);
            foreach (var frame in frames)
            {
                _worker.Accept(frame);
            }

            arrived.Set();
            // A worker that has something to do queues itself behind whatever else is queued.
            for (var turn = 0; turn < 32; turn++)
            {
                await _lane.RunAsync(() => { });
            }
        }

        /// <summary>All that it did, signed.</summary>
        public async Task<ImmutableArray<SegmentRecord>> CloseAsync()
        {
            await _worker.HandInAsync();
            var last = await _worker.CloseSegmentAsync();
            return [.. _segments, .. last];
        }

        public async Task<AuditVerdict> ReplayAsync(SegmentRecord segment)
        {
            var evidence = new Dictionary<UInt128, ReadOnlyMemory<byte>>();
            foreach (var hash in SegmentEvidence.Of(segment))
            {
                evidence.Add(hash, await _worker.ReadEvidenceAsync(hash, 0, int.MaxValue));
            }

            var specification = _assignment.Specification;
            using var data = new ShardData(specification, TokenDataSet.Open(specification.DataDirectory));
            return await _lane.RunAsync(() => new SegmentReplay(_assignment, segment, evidence, TokensOf).Judge());

            (long[] Tokens, long[] Targets) TokensOf(long number)
            {
                var (step, index) = MicroBatchNumber.PlaceOf(specification, number);
                return data.ReadTraining(step, index);
            }
        }

        /// <summary>Everything will be checked.</summary>
        private Task<SwarmReply> Receive(SwarmReport report)
        {
            foreach (var segment in report.Segments)
            {
                _segments.Enqueue(segment);
            }

            return Task.FromResult(new SwarmReply([], [.. report.Segments.Select(segment => segment.Index)]));
        }

        public async ValueTask DisposeAsync()
        {
            _end.Set();
            await _lane.RunAsync(_worker.Dispose);
            _lane.Dispose();
            _busy?.Dispose();
            _key.Dispose();
            _end.Dispose();
        }
    }

    private sealed class Nowhere : ITensorTransport
    {
        public Task SendAsync(ShardKey receiver, TensorFrame frame)
        {
            frame.Dispose();
            return Task.CompletedTask;
        }
    }
}
