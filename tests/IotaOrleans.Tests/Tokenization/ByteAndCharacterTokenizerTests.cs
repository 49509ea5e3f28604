using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using IotaOrleans.Tests.Data;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Tests.Tokenization;

public sealed class ByteAndCharacterTokenizerTests
{
    private static readonly Gen<string> Text = Gen.Int[0, 0x10FFFF].Where(Rune.IsValid).Select(value => new Rune(value).ToString()).Array[0, 50].Select(string.Concat);

    [Fact]
    public void Bytes_decode_what_they_encoded()
    {
        var tokenizer = new ByteTokenizer();
        Text.ForAll(text => tokenizer.Decode(tokenizer.Encode(text)).Should().Be(text));
        tokenizer.Encode("é").Should().Equal(0xC3, 0xA9);
    }

    [Fact]
    public void Bytes_of_half_a_symbol_and_unknown_ids_decode_to_replacements()
    {
        var tokenizer = new ByteTokenizer();
        tokenizer.Decode([0x61, 0xE2, 0x82]).Should().Be("a\uFFFD");
        tokenizer.Decode([-1, 0x61, 256]).Should().Be("\uFFFDa\uFFFD");
    }

    [Fact]
    public void Characters_decode_what_they_encoded_and_survive_being_saved()
    {
        using var directory = new TemporaryDirectory();
        Text.ForAll(
            text =>
            {
                var tokenizer = TokenizerLoader.Create("characters", () => [text]);
                tokenizer.VocabularySize.Should().Be(text.EnumerateRunes().Distinct().Count());
                tokenizer.Decode(tokenizer.Encode(text)).Should().Be(text);

                tokenizer.Save(directory.Path);
                var loaded = TokenizerLoader.Load(directory.Path);
                loaded.Kind.Should().Be("characters");
                loaded.Encode(text).Should().Equal(tokenizer.Encode(text));
            },
            cases: 50);
    }

    [Fact]
    public void Characters_are_numbered_in_ascending_order_as_nanoGPT_does()
    {
        var tokenizer = TokenizerLoader.Create("characters", () => ["hello", " 😀\n"]);
        tokenizer.Encode("\n ehlo😀").Should().Equal(0, 1, 2, 3, 4, 5, 6);
    }

    [Fact]
    public void A_symbol_outside_the_characters_is_named()
    {
        var tokenizer = TokenizerLoader.Create("characters", () => ["abc"]);
        var act = () => tokenizer.Encode("abé");
        act.Should().Throw<IotaException>().Where(exception => exception.ExitCode == ExitCode.Data && exception.Message.Contains("'é' (U+00E9)"));
        tokenizer.Decode([0, 3, -1]).Should().Be("a\uFFFD\uFFFD");
    }

    [Fact]
    public void Bytes_survive_being_saved()
    {
        using var directory = new TemporaryDirectory();
        new ByteTokenizer().Save(directory.Path);
        TokenizerLoader.Load(directory.Path).Should().BeOfType<ByteTokenizer>();
    }

    [Fact]
    public void Saved_bytes_open_as_a_hugging_face_tokenizer_with_the_same_ids()
    {
        using var directory = new TemporaryDirectory();
        new ByteTokenizer().Save(directory.Path);
        var opened = TokenizerLoader.Create(directory["tokenizer.json"], () => []);
        opened.Kind.Should().Be("tokenizer.json");
        Text.ForAll(text => opened.Encode(text).Should().Equal(new ByteTokenizer().Encode(text)), cases: 100);
    }

    [Fact]
    public void Saved_characters_list_their_ids_in_a_hugging_face_tokenizer()
    {
        using var directory = new TemporaryDirectory();
        TokenizerLoader.Create("characters", () => ["b\n\"é😀"]).Save(directory.Path);
        var model = JsonNode.Parse(File.ReadAllText(directory["tokenizer.json"]))!["model"]!;
        model["type"]!.GetValue<string>().Should().Be("BPE");
        model["vocab"]!.AsObject().Select(entry => (entry.Key, entry.Value!.GetValue<int>())).Should().Equal(("\n", 0), ("\"", 1), ("b", 2), ("é", 3), ("😀", 4));
    }

    [Theory]
    [InlineData("no-such-tokenizer")]
    [InlineData("")]
    public void A_specification_that_names_nothing_is_refused(string specification)
    {
        var act = () => TokenizerLoader.Create(specification, () => []);
        act.Should().Throw<IotaException>().Where(exception => exception.ExitCode == ExitCode.Data && exception.Message.Contains($"'{specification}'"));
    }

    [Fact]
    public void A_folder_without_a_tokenizer_is_refused_with_its_name()
    {
        using var directory = new TemporaryDirectory();
        var act = () => TokenizerLoader.Load(directory.Path);
        act.Should().Throw<IotaException>().Where(exception => exception.ExitCode == ExitCode.Data && exception.Message.Contains(directory.Path));
    }
}
