using System.Collections.Immutable;
using IotaOrleans.Grains.Swarm;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>When an order that the run waits for is done, and when it is given up.</summary>
public sealed class AwaitedOrderTests
{
    private static readonly ImmutableArray<ShardKey> Shards = [new("run", 0, "ada"), new("run", 1, "bob"), new("run", 2, "cyd")];

    [Fact]
    public async Task AnEvaluationIsDoneWhenTheLastStageHasReportedItsLoss()
    {
        var awaited = new AwaitedOrder(Order(WorkKind.Evaluate), Shards);

        Report(awaited, Shards[0], loss: 7);
        awaited.Done.IsCompleted.Should().BeFalse("only the last stage knows the loss");
        Report(awaited, Shards[2], loss: 3);

        (await awaited.Done).Should().Be(3);
        awaited.Receivers.Should().Equal(Shards[0]);
    }

    [Fact]
    public void ASnapshotIsDoneWhenEveryStageHasReportedIt()
    {
        var awaited = new AwaitedOrder(Order(WorkKind.Snapshot), Shards);

        Report(awaited, Shards[0]);
        Report(awaited, Shards[0]);
        Report(awaited, Shards[2]);
        awaited.Done.IsCompleted.Should().BeFalse("stage 1 has not reported, and what is repeated does not count");
        Report(awaited, Shards[1]);

        awaited.Done.IsCompletedSuccessfully.Should().BeTrue();
        awaited.Receivers.Should().Equal(Shards);
    }

    [Fact]
    public void ReportsOfAnotherOrderOrOfAnotherMinerAreNotTaken()
    {
        var awaited = new AwaitedOrder(Order(WorkKind.Evaluate), Shards);

        awaited.Report(Shards[2], new ShardReport { Session = Guid.Empty, Stage = 2, Miner = "cyd", Order = Order(WorkKind.Evaluate) with { Sequence = 6 }, Loss = 3 });
        Report(awaited, new ShardKey("run", 2, "dan"), loss: 3);

        awaited.Done.IsCompleted.Should().BeFalse();
    }

    [Fact]
    public void AnOrderIsGivenUpWhenOneOfItsMinersIsGoneAndOnlyThen()
    {
        var awaited = new AwaitedOrder(Order(WorkKind.Evaluate), Shards);

        awaited.Keep(_ => true);
        awaited.Done.IsCompleted.Should().BeFalse("a miner that joins is no reason to begin anew");
        awaited.Keep(shard => shard.Miner != "bob");

        awaited.Done.IsCanceled.Should().BeTrue();
    }

    private static WorkOrder Order(WorkKind kind) => new() { Sequence = 5, Kind = kind, Step = 10, Epoch = 0 };

    private static void Report(AwaitedOrder awaited, ShardKey shard, double? loss = null) => awaited.Report(
        shard, new ShardReport { Session = Guid.Empty, Stage = shard.Stage, Miner = shard.Miner, Order = Order(WorkKind.Evaluate), Loss = loss });
}
