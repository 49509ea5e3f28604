using IotaOrleans.Grains.Hosting;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Tensors;
using Microsoft.Extensions.DependencyInjection;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>However frames travel, the result is the same to the bit.</summary>
[Collection(TrainingCluster.Alone)]
public sealed class TransportTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Both_transports_and_none_give_the_same_bits()
    {
        var (embedded, noSocket) = await TrainAsync(0, TensorTransportKind.Socket);
        var (bySocket, sockets) = await TrainAsync(2, TensorTransportKind.Socket);
        var (byGrains, none) = await TrainAsync(2, TensorTransportKind.Grains);

        embedded.Losses.Should().HaveCount(12).And.Equal(bySocket.Losses).And.Equal(byGrains.Losses);
        embedded.Checkpoint.Should().Equal(bySocket.Checkpoint).And.Equal(byGrains.Checkpoint);
        (noSocket, sockets, none).Should().Be((0, 2, 0), "each of two silos has one connection to the other, and frames within a silo need none");
    }

    [Fact]
    public async Task A_frame_reaches_a_shard_after_its_connection_was_lost_and_after_it_moved()
    {
        var shard = new ShardKey("moving", 0, TrainingCluster.Miner(0));
        await using var cluster = await TrainingCluster.StartAsync(2, 2);
        var (sender, receiver) = (cluster.SiloOf(TrainingCluster.Miner(1)), cluster.SiloOf(TrainingCluster.Miner(0)));
        var transport = sender.GetRequiredService<ITensorTransport>();
        var inbox = new CountingInbox();
        receiver.GetRequiredService<FrameInboxes>().Register(shard, inbox);
        await transport.SendAsync(shard, Frame(1)).WaitAsync(Patience);

        await receiver.GetRequiredService<SiloFrameListener>().RestartAsync();
        await transport.SendAsync(shard, Frame(2)).WaitAsync(Patience);
        receiver.GetRequiredService<FrameInboxes>().Remove(shard, inbox);
        await transport.SendAsync(shard, Frame(3)).WaitAsync(Patience);

        inbox.Sequences.Should().Equal(1, 2);
    }

    private static async Task<((double[] Losses, byte[] Checkpoint) Result, int Connections)> TrainAsync(int silos, TensorTransportKind transport)
    {
        using var run = new TestRun(stages: 2, steps: 12);
        var leased = FramePool.Shared.Leased;
        (double[], byte[]) result;
        int connections;
        await using (var cluster = await TrainingCluster.StartAsync(silos, 2, transport))
        {
            var events = await cluster.TrainAsync(run.Specification);
            connections = cluster.Silos.Sum(silo => silo.GetRequiredService<SiloFrameListener>().Connections);
            result = (
                [.. events.OfType<StepCompleted>().Select(step => step.Loss)],
                await File.ReadAllBytesAsync(Path.Combine(events.OfType<RunFinished>().Single().Checkpoint, "model.safetensors")));
        }

        FramePool.Shared.Leased.Should().Be(leased, "every frame is given back");
        return (result, connections);
    }

    private static TensorFrame Frame(long sequence) => TensorFrame.Rent(FramePool.Shared, new FrameHeader
    {
        Kind = FrameKind.Activation,
        Session = Guid.NewGuid(),
        Sequence = sequence,
        MicroBatch = new MicroBatchId("moving", 0, 0, 0),
        SourceStage = 1,
        ElementType = TensorElementType.Float32,
        Shape = [1000],
    });

    private sealed class CountingInbox : IFrameInbox
    {
        private readonly List<long> _sequences = [];

        public IReadOnlyList<long> Sequences => _sequences;

        public int Accept(TensorFrame frame)
        {
            _sequences.Add(frame.Header.Sequence);
            frame.Dispose();
            return 1;
        }
    }
}
