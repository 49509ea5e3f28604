using IotaOrleans.Protocol.Stages;
using IotaOrleans.Training.Checking;
using IotaOrleans.Training.Checkpoints;
using IotaOrleans.Training.Models;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Tests.Models;

public sealed class BottleneckTests
{
    private static readonly ModelConfiguration Model = new()
    {
        VocabularySize = 40,
        HiddenSize = 24,
        IntermediateSize = 64,
        BlockCount = 4,
        HeadCount = 2,
        KeyValueHeadCount = 1,
        ContextLength = 16,
        Bottleneck = new Bottleneck(3, [1, 3]),
    };

    [Fact]
    public void A_stage_has_the_receiver_before_its_first_block_and_the_sender_after_its_last()
    {
        string[][] expected =
        [
            ["model.layers.0.bottleneck_down.weight [3, 24]", "model.layers.0.bottleneck_norm.weight [24]"],
            ["model.layers.1.bottleneck_up.weight [24, 3]", "model.layers.2.bottleneck_down.weight [3, 24]", "model.layers.2.bottleneck_norm.weight [24]"],
            ["model.layers.3.bottleneck_up.weight [24, 3]"],
        ];

        Model.Bottleneck!.Stages(4).Select(blocks => ParameterLayout.Of(Model, blocks).Slots
                .Where(slot => slot.Name.Contains("bottleneck", StringComparison.Ordinal)).Select(slot => $"{slot.Name} [{string.Join(", ", slot.Shape)}]"))
            .Should().BeEquivalentTo(expected, options => options.WithStrictOrdering());
        ParameterLayout.CountParameters(Model).Should().Be(ParameterLayout.CountParameters(Model with { Bottleneck = null }) + (2 * (24 + (2 * 3 * 24))));
    }

    [Fact]
    public void Initial_weights_do_not_depend_on_the_cut()
    {
        using var whole = new StageParameters(ParameterLayout.Of(Model, new BlockRange(0, 4)));
        ParameterInitializer.Initialize(whole, Model, seed: 3);
        foreach (var blocks in Model.Bottleneck!.Stages(4))
        {
            using var part = new StageParameters(ParameterLayout.Of(Model, blocks));
            ParameterInitializer.Initialize(part, Model, seed: 3);
            foreach (var slot in part.Layout.Slots)
            {
                part.ValuesOf(slot.Name).ToArray().Should().Equal(whole.ValuesOf(slot.Name).ToArray(), slot.Name);
            }
        }
    }

    [Fact]
    public void A_folder_with_bottlenecks_computes_the_same_in_stages_and_in_one_piece()
    {
        using var folder = new TemporaryFolder();
        Save(folder.Path);

        // Another number of stages is asked for than it was trained with.
        var result = ModelChecker.Check(folder.Path, model => StageSplitter.Split(model, 2));

        result.Stages.Should().Be(3);
        result.Reference.Should().Be("one piece");
        result.Passed.Should().BeTrue(result.WorstMeasurement);
    }

    [Fact]
    public void Weights_of_another_bottleneck_are_refused()
    {
        using var folder = new TemporaryFolder();
        Save(folder.Path);
        var other = Model with { Bottleneck = new Bottleneck(3, [2]) };
        using var parameters = new StageParameters(ParameterLayout.Of(other, new BlockRange(0, 2)));

        FluentActions.Invoking(() => StageLoader.LoadWeights(parameters, other, folder.Path)).Should().Throw<IotaException>()
            .WithMessage("*bottlenecks of 3 before the blocks 1, 3, expected *bottlenecks of 3 before the blocks 2*");
    }

    [Theory]
    [InlineData(WireFormat.Float32, 12)]
    [InlineData(WireFormat.BFloat16, 6)]
    [InlineData(WireFormat.Int8, 7)]
    public void Only_the_bottleneck_crosses_the_boundary(WireFormat format, int bytesPerToken)
    {
        using var trainer = new StageTrainer(Model, new BlockRange(1, 2), new OptimizerSettings(), wireFormat: format);
        ParameterInitializer.Initialize(trainer.Parameters, Model, seed: 1);
        var input = Enumerable.Range(0, 2 * 16 * bytesPerToken).Select(i => (byte)(i % 50)).ToArray();
        var (output, gradient) = (new byte[input.Length], new byte[input.Length]);

        trainer.Forward(0, new StageInput { Activation = input }, 16, output);
        trainer.Backward(0, output, 1, gradient);

        output.Should().Contain(value => value != 0);
        gradient.Should().Contain(value => value != 0);
        trainer.Parameters.GradientOf("model.layers.1.bottleneck_up.weight").ToArray().Should().Contain(value => value != 0);
        trainer.Parameters.GradientOf("model.layers.2.bottleneck_norm.weight").ToArray().Should().Contain(value => value != 0);
    }

    private static void Save(string folder)
    {
        using var parameters = new StageParameters(ParameterLayout.Of(Model, new BlockRange(0, 4)));
        ParameterInitializer.Initialize(parameters, Model, seed: 5);
        LlamaConfigurationFile.Write(Path.Combine(folder, LlamaConfigurationFile.Name), Model);
        using var file = File.Create(Path.Combine(folder, ModelFiles.SingleName));
        var tensors = LlamaTensors.All(Model);
        var writer = new SafetensorsWriter(file, [.. tensors.Select(tensor => new SafetensorsTensor(tensor.Name, SafetensorsDType.F32, tensor.Shape))]);
        foreach (var tensor in tensors)
        {
            writer.Write(tensor.Name, System.Runtime.InteropServices.MemoryMarshal.AsBytes(parameters.ValuesOf(tensor.Name)));
        }

        writer.Complete();
    }
}
