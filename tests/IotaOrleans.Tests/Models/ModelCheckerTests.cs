using IotaOrleans.Protocol.Stages;
using IotaOrleans.Training.Checking;

namespace IotaOrleans.Tests.Models;

/// <summary>Reference models of an independent implementation, cut in every possible number of stages.</summary>
public sealed class ModelCheckerTests
{
    [Theory]
    [InlineData("llama-gqa", 1)]
    [InlineData("llama-gqa", 2)]
    [InlineData("llama-gqa", 3)]
    [InlineData("llama-gqa", 4)]
    [InlineData("llama-tied", 1)]
    [InlineData("llama-tied", 2)]
    [InlineData("llama-tied", 3)]
    public void Golden_models_are_computed_as_the_independent_implementation_does(string name, int stages)
    {
        var result = ModelChecker.Check(Golden(name), model => StageSplitter.Split(model, stages));

        result.Reference.Should().Be(ModelChecker.ReferenceFileName);
        result.Stages.Should().Be(stages);
        result.MaxRelativeError.Should().BeLessThanOrEqualTo(1e-4, result.WorstMeasurement);
        result.Passed.Should().BeTrue();
    }

    [Fact]
    public void One_changed_weight_fails_the_check()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(Golden("llama-tied")))
        {
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        }

        var path = Path.Combine(folder.Path, "model.safetensors");
        var bytes = File.ReadAllBytes(path);
        var last = bytes.AsSpan(bytes.Length - sizeof(float));
        BitConverter.TryWriteBytes(last, BitConverter.ToSingle(last) + 0.5f);
        File.WriteAllBytes(path, bytes);

        var result = ModelChecker.Check(folder.Path, model => StageSplitter.Split(model, 2));

        result.Passed.Should().BeFalse();
    }

    [Fact]
    public void Without_reference_measurements_the_model_is_compared_with_itself_in_one_piece()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in new[] { "config.json", "model.safetensors" })
        {
            File.Copy(Path.Combine(Golden("llama-gqa"), file), Path.Combine(folder.Path, file));
        }

        var result = ModelChecker.Check(folder.Path, model => StageSplitter.Split(model, 3));

        result.Reference.Should().Be("one piece");
        result.Passed.Should().BeTrue(result.WorstMeasurement);
    }

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "golden", name);
}
