using System.Collections.Immutable;
using System.Runtime.InteropServices;
using IotaOrleans.Grains.Swarm;
using IotaOrleans.Protocol.Validation;
using IotaOrleans.Tensors;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>What a shard takes of what its neighbours send it, and what it says of them.</summary>
public sealed class NeighbourWatchTests
{
    private static readonly Guid Session = Guid.NewGuid();

    [Theory]
    [InlineData(FrameKind.Activation)]
    [InlineData(FrameKind.Gradient)]
    public void What_is_out_of_all_proportion_is_noted_and_refused_once(FrameKind kind)
    {
        using var run = new TestRun(stages: 3, replicas: [2, 2, 2]);
        var (watch, sender) = Experienced(run, kind);

        Takes(watch, run, kind, number: 99, value: 0).Should().BeFalse();
        watch.Take().Should().ContainSingle().Which.Should().BeEquivalentTo(new { Sender = sender, Number = 99L, Norm = 0.0, Usual = 1.0 });
        watch.Take().Should().BeEmpty("it was said");
        Takes(watch, run, kind, number: 99, value: 0).Should().BeTrue("it came again, so it may be right");
        Takes(watch, run, kind, number: 100, value: 0).Should().BeFalse("that is another one");
        Takes(watch, run, kind, number: 101, value: 1).Should().BeTrue();
    }

    [Theory]
    [InlineData(FrameKind.Activation)]
    [InlineData(FrameKind.Gradient)]
    public void What_is_no_number_is_never_taken_from_one_of_several(FrameKind kind)
    {
        using var run = new TestRun(stages: 3, replicas: [2, 2, 2]);
        var watch = Watch(run);

        Enumerable.Repeat(float.NaN, 3).Should().OnlyContain(value => !Takes(watch, run, kind, 1, value));
    }

    [Fact]
    public void However_much_is_refused_what_is_usual_stays()
    {
        using var run = new TestRun(stages: 3, replicas: [2, 2, 2]);
        var (watch, _) = Experienced(run, FrameKind.Gradient);

        Enumerable.Range(100, 3 * NormWatch.Window).Should().OnlyContain(number => !Takes(watch, run, FrameKind.Gradient, number, 0));

        Takes(watch, run, FrameKind.Gradient, 1, 1).Should().BeTrue();
    }

    [Fact]
    public void When_only_its_sender_could_send_it_again_it_is_taken_and_noted()
    {
        using var run = new TestRun(stages: 3, replicas: [1, 1, 1]);
        var (watch, sender) = Experienced(run, FrameKind.Gradient);

        Takes(watch, run, FrameKind.Gradient, 99, 0).Should().BeTrue();
        watch.Take().Should().ContainSingle().Which.Sender.Should().Be(sender);
    }

    [Fact]
    public void Who_sent_a_frame_that_does_not_say_so_is_not_blamed()
    {
        using var run = new TestRun(stages: 3, replicas: [2, 2, 2]);
        var watch = Watch(run);
        using var frame = Frame(run, FrameKind.Gradient, 1, float.NaN, []);

        watch.Accepts(frame, new SwarmMembers(0, run.Specification.Miners)).Should().BeTrue();
        watch.Take().Should().BeEmpty();
    }

    /// <summary>A watch that knows what is usual, and who sends it that.</summary>
    private static (NeighbourWatch Watch, ShardKey Sender) Experienced(TestRun run, FrameKind kind)
    {
        var watch = Watch(run);
        for (var number = 0; number < NormWatch.Window; number++)
        {
            Takes(watch, run, kind, number, 1).Should().BeTrue();
        }

        var stage = kind == FrameKind.Activation ? 0 : 2;
        return (watch, new ShardKey(run.Specification.Run, stage, run.Specification.Miners[stage][0]));
    }

    private static NeighbourWatch Watch(TestRun run) => new(new ShardAssignment { Specification = run.Specification, Stage = 1, Session = Session });

    private static bool Takes(NeighbourWatch watch, TestRun run, FrameKind kind, long number, float value)
    {
        using var frame = Frame(run, kind, number, value, [.. run.Specification.Miners.Select(stage => stage[0])]);
        return watch.Accepts(frame, new SwarmMembers(0, run.Specification.Miners));
    }

    private static TensorFrame Frame(TestRun run, FrameKind kind, long number, float value, ImmutableArray<string> pathway)
    {
        var frame = TensorFrame.Rent(FramePool.Shared, new FrameHeader
        {
            Kind = kind,
            Session = Session,
            Sequence = number,
            MicroBatch = new MicroBatchId(run.Specification.Run, 0, 1, 0),
            SourceStage = 0,
            ElementType = TensorElementType.Float32,
            Shape = [1, run.Specification.ContextLength, run.Specification.Model.HiddenSize],
            Pathway = pathway,
        });
        MemoryMarshal.Cast<byte, float>(frame.Payload.Span).Fill(value);
        return frame;
    }
}
