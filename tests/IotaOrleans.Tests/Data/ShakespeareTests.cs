using IotaOrleans.Training.Data;

namespace IotaOrleans.Tests.Data;

/// <summary>Compares with the figures that nanoGPT's <c>data/shakespeare_char/prepare.py</c> prints; does nothing without its corpus.</summary>
public sealed class ShakespeareTests
{
    [Fact]
    public void Tiny_shakespeare_is_split_and_numbered_as_nanoGPT_does()
    {
        if (SharedTestData.Find("tinyshakespeare.txt") is not { } path)
        {
            return;
        }

        using var directory = new TemporaryDirectory();
        using var data = TokenDataSet.Prepare(new DataSourceOptions { Data = path, Tokenizer = "characters" }, directory.Path, 257);

        data.VocabularySize.Should().Be(65);
        data.Train.Count.Should().Be(1_003_854);
        data.Validation.Count.Should().Be(111_540);
        data.Tokenizer!.Encode("\n !az").Should().Equal(0, 1, 2, 39, 64);
    }
}
