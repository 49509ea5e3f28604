namespace IotaOrleans.ClusterTests.Training;

/// <summary>What a bottleneck saves between two silos, counted where frames leave for the socket.</summary>
[Collection(TrainingCluster.Alone)]
public sealed class BottleneckWireTests
{
    private const int Width = 128;

    [Fact]
    public async Task A_64th_of_the_channels_in_half_the_bits_is_a_128th_of_the_bytes()
    {
        var whole = await TrainAsync(bottleneck: null, WireFormat.Float32);
        var narrow = await TrainAsync(bottleneck: Width / 64, WireFormat.BFloat16);

        whole.Gradients.Should().Be(4L * 8 * 32 * Width * sizeof(float), "four steps of eight sequences of 32 tokens");
        whole.Activations.Should().BeGreaterThan(whole.Gradients, "evaluation sends activations too");
        (whole.Activations / (double)narrow.Activations).Should().Be(128);
        (whole.Gradients / (double)narrow.Gradients).Should().Be(128);
    }

    private static async Task<(long Activations, long Gradients)> TrainAsync(int? bottleneck, WireFormat format)
    {
        using var run = new TestRun(steps: 4, width: Width, bottleneck: bottleneck);
        using var bytes = new WireBytes();
        await using var cluster = await TrainingCluster.StartAsync(2, 2);

        var events = await cluster.TrainAsync(run.Specification with { WireFormat = format });

        events.OfType<RunFailed>().Should().BeEmpty();
        return (bytes.Of("Activation"), bytes.Of("Gradient"));
    }
}
