using IotaOrleans.Training.Data;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Tests.Data;

public sealed class TokenFilesSourceTests : PreparedDataFixture
{
    [Theory]
    [InlineData("in")]
    [InlineData("in/train.bin")]
    public void A_pair_of_token_files_is_taken_as_it_is(string data)
    {
        Files.WriteTokens("in/train.bin", 5, 6, 7);
        Files.WriteTokens("in/val.bin", 1, 9);
        using var prepared = Prepare(new DataSourceOptions { Data = Files[data] });
        Tokens(prepared.Train).Should().Equal(5, 6, 7);
        Tokens(prepared.Validation).Should().Equal(1, 9);
        prepared.VocabularySize.Should().Be(10);
        prepared.Tokenizer.Should().BeNull();
    }

    [Fact]
    public void One_token_file_is_split()
    {
        Files.WriteTokens("a.bin", [.. Enumerable.Range(0, 100).Select(index => (ushort)index)]);
        using var prepared = Prepare(new DataSourceOptions { Data = Files["a.bin"], MaximumVocabularySize = 50_304 });
        prepared.Train.Count.Should().Be(90);
        Tokens(prepared.Validation).Should().Equal(90, 91, 92, 93, 94, 95, 96, 97, 98, 99);
        prepared.VocabularySize.Should().Be(50_304);
    }

    [Fact]
    public void A_prepared_folder_is_a_source_that_keeps_its_tokenizer()
    {
        var text = Files.Write("a.txt", "hello hello hello hello");
        TokenDataSet.Prepare(new DataSourceOptions { Data = text, Tokenizer = "characters", ValidationFraction = 0.5 }, Files["first"], 2).Dispose();
        using var prepared = Prepare(new DataSourceOptions { Data = Files["first"] });
        prepared.Tokenizer!.Kind.Should().Be("characters");
        (Decode(prepared, prepared.Train) + Decode(prepared, prepared.Validation)).Should().Be("hello hello hello hello");
    }

    [Fact]
    public void Four_byte_tokens_of_a_prepared_folder_are_read_as_such()
    {
        Files.WriteTokens("a.bin", 1, 2, 3, 4);
        TokenDataSet.Prepare(new DataSourceOptions { Data = Files["a.bin"], MaximumVocabularySize = 70_000, ValidationFraction = 0.5 }, Files["first"], 2).Dispose();
        using var prepared = Prepare(new DataSourceOptions { Data = Files["first"] });
        prepared.Train.BytesPerToken.Should().Be(4);
        Tokens(prepared.Train).Should().Equal(1, 2);
    }

    [Fact]
    public void A_tokenizer_may_be_given_for_ready_tokens()
    {
        Files.WriteTokens("a.bin", 104, 105);
        using var prepared = Prepare(new DataSourceOptions { Data = Files["a.bin"], Tokenizer = TokenizerKinds.Bytes, ValidationFraction = 0 });
        Decode(prepared, prepared.Train).Should().Be("hi");
        prepared.VocabularySize.Should().Be(256);
    }

    [Fact]
    public void Characters_cannot_be_made_from_tokens()
    {
        Files.WriteTokens("a.bin", 1, 2);
        Refused(new DataSourceOptions { Data = Files["a.bin"], Tokenizer = "characters" }, ExitCode.Usage).Should().Contain("a.bin").And.Contain("'characters'");
    }

    [Fact]
    public void A_token_outside_the_vocabulary_is_refused_with_file_and_place()
    {
        Files.WriteTokens("in/train.bin", 5, 6, 7);
        Files.WriteTokens("in/val.bin", 1, 9);
        Refused(new DataSourceOptions { Data = Files["in"], MaximumVocabularySize = 9 }).Should().Contain("val.bin").And.Contain("token 9 at place 1").And.Contain("vocabulary of 9");
    }

    [Fact]
    public void An_odd_length_is_refused_with_the_file_named()
    {
        Refused(new DataSourceOptions { Data = Files.Write("odd.bin", [1, 2, 3]) }).Should().Contain("odd.bin").And.Contain("3 bytes");
    }

    [Fact]
    public void An_empty_token_file_is_refused()
    {
        Refused(new DataSourceOptions { Data = Files.Write("none.bin", []) }).Should().Contain("none.bin").And.Contain("empty");
    }

    [Fact]
    public void A_pair_too_short_for_the_context_is_refused_without_inventing_a_number()
    {
        Files.WriteTokens("in/train.bin", 5, 6, 7);
        Files.WriteTokens("in/val.bin", 1, 9);
        Refused(new DataSourceOptions { Data = Files["in"] }, minimumTokens: 3).Should().Contain("2 to validate with").And.Contain("give more tokens");
    }

    [Fact]
    public void Preparing_onto_the_source_is_refused_and_leaves_it_alone()
    {
        Files.WriteTokens("out/train.bin", 5, 6, 7, 8);
        Refused(new DataSourceOptions { Data = Files["out"] }, ExitCode.Usage).Should().Contain("overwritten");
        File.ReadAllBytes(Files["out/train.bin"]).Should().HaveCount(8);
    }
}
