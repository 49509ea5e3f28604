using System.Runtime.InteropServices;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Protocol.Schedules;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Models;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>Adding gradients up in many small pieces, in whatever order the replicas come to it.</summary>
[Collection(TrainingCluster.Alone)]
public sealed class ReplicaGradientsTests
{
    private const int Largest = 500;

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(3, 3)]
    [InlineData(4, 4)]
    public void All_replicas_end_with_the_sum_in_replica_order_and_two_rounds_are_under_way_at_most(int replicas, int seed)
    {
        using var run = new TestRun(stages: 1, replicas: [replicas]);
        var order = new WorkOrder { Sequence = 1, Kind = WorkKind.Train, Step = 1, Epoch = 0 };
        var leased = FramePool.Shared.Leased;
        var random = new Random(seed);
        var peers = Peers(run.Specification, random);
        var expected = Sum([.. peers.Select(peer => peer.Parameters.Gradients.ToArray())]);
        var rounds = peers[0].Pieces.Rounds;
        rounds.Should().BeGreaterThan(5, "one round would prove little");
        var programs = peers.Select((_, replica) => new Queue<StageOp>(StageProgram.For(run.Specification, 0, order, replica, rounds)
            .Where(op => op.Kind is StageOpKind.ShareGradient or StageOpKind.ReduceGradient or StageOpKind.TakeGradient))).ToArray();

        while (programs.Any(program => program.Count > 0))
        {
            var ready = Enumerable.Range(0, replicas).Where(replica => programs[replica].TryPeek(out var op) && peers[replica].IsReady(order, op)).ToArray();
            ready.Should().NotBeEmpty("nobody waits in a circle");
            var next = ready[random.Next(ready.Length)];
            peers[next].Run(order, programs[next].Dequeue());
            peers.Max(peer => peer.Inbox.Count).Should().BeLessThanOrEqualTo(2 * 2 * (replicas - 1), "of {0} rounds", rounds);
        }

        foreach (var peer in peers)
        {
            MemoryMarshal.AsBytes(peer.Parameters.Gradients).SequenceEqual(MemoryMarshal.AsBytes(expected.AsSpan())).Should().BeTrue();
            peer.Parameters.Dispose();
            peer.Inbox.Dispose();
        }

        FramePool.Shared.Leased.Should().Be(leased);
    }

    private static float[] Sum(float[][] gradients)
    {
        var sum = gradients[0];
        foreach (var gradient in gradients.Skip(1))
        {
            for (var i = 0; i < sum.Length; i++)
            {
                sum[i] += gradient[i];
            }
        }

        return sum;
    }

    private static Peer[] Peers(TrainingRunSpecification run, Random random)
    {
        var session = Guid.NewGuid();
        var inboxes = run.Shards.ToDictionary(shard => shard, _ => new ShardInbox(session, 64, () => { }));
        var transport = new InboxTransport(inboxes);
        return [.. run.Shards.Select((shard, replica) =>
        {
            var parameters = new StageParameters(ParameterLayout.Of(run.Model, run.Stages[0]));
            foreach (ref var value in parameters.Gradients)
            {
                value = (float)Math.Exp(20 * (random.NextDouble() - 0.5));
            }

            var assignment = new ShardAssignment { Specification = run, Stage = 0, Session = session };
            var pieces = new GradientPieces(parameters.Layout.Count, run.Miners[0].Length, Largest);
            var frames = new ShardFrames(shard, assignment, inboxes[shard], transport, failure => throw failure);
            return new Peer(parameters, pieces, inboxes[shard], new ReplicaGradients(0, replica, pieces, parameters, frames));
        })];
    }

    private sealed record Peer(StageParameters Parameters, GradientPieces Pieces, ShardInbox Inbox, ReplicaGradients Gradients)
    {
        public bool IsReady(WorkOrder order, StageOp op) => op.Kind switch
        {
            StageOpKind.ReduceGradient => Gradients.PartsArrived(order, op.MicroBatch),
            StageOpKind.TakeGradient => Gradients.SumsArrived(order, op.MicroBatch),
            _ => true,
        };

        public void Run(WorkOrder order, StageOp op)
        {
            Action<WorkOrder, int> run = op.Kind switch
            {
                StageOpKind.ShareGradient => Gradients.Share,
                StageOpKind.ReduceGradient => Gradients.Reduce,
                _ => Gradients.Take,
            };
            run(order, op.MicroBatch);
        }
    }

    private sealed class InboxTransport(Dictionary<ShardKey, ShardInbox> inboxes) : ITensorTransport
    {
        public Task SendAsync(ShardKey receiver, TensorFrame frame)
        {
            inboxes[receiver].Accept(frame);
            return Task.CompletedTask;
        }
    }
}
