using IotaOrleans.Grains.Shards;

namespace IotaOrleans.ClusterTests.Training;

public sealed class OrderQueueTests
{
    [Fact]
    public void Orders_come_out_in_the_plans_sequence_however_they_arrive()
    {
        var queue = new OrderQueue();
        var taken = new List<long>();
        foreach (var sequence in new long[] { 2, 1, 1, 4, 5, 2, 3, 5 })
        {
            queue.Add(new WorkOrder { Sequence = sequence, Kind = WorkKind.Train, Step = sequence, Epoch = 0 });
            while (queue.TryPeek(out var shown) && queue.TryTake(out var order))
            {
                order.Should().BeSameAs(shown);
                taken.Add(order.Sequence);
            }
        }

        taken.Should().Equal(1, 2, 3, 4, 5);
        queue.TryTake(out _).Should().BeFalse();
    }
}
