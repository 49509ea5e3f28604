using System.Text.Json.Nodes;
using CsCheck;
using IotaOrleans.Tests.Data;
using IotaOrleans.Training.Data.Sources;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Tests.Tokenization;

public sealed class BytePairTokenizerTests : IDisposable
{
    private static readonly Gen<string> Text = Gen.OneOf("hello", " world", "he", "ll", "\n", "\n\n", " ", "  ", "é", "😀", "12345", "it's", "!?", "x", SmallBytePairs.End).Array[0, 30].Select(string.Concat);

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_hugging_face_file_encodes_as_the_definition_of_bpe_says()
    {
        var tokenizer = HuggingFace();
        tokenizer.VocabularySize.Should().Be(SmallBytePairs.EndId + 1);
        tokenizer.Encode("hello world").Should().Equal(260, 262, 108, 100);
        Text.ForAll(text =>
        {
            tokenizer.Encode(text).Should().Equal(SmallBytePairs.Encode(text));
            tokenizer.Decode(tokenizer.Encode(text)).Should().Be(text);
        });
    }

    [Fact]
    public void Merges_may_be_written_as_pairs()
    {
        var file = SmallBytePairs.HuggingFace();
        var merges = file["model"]!["merges"]!.AsArray();
        file["model"]!["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)new JsonArray([.. merge!.GetValue<string>().Split(' ').Select(part => (JsonNode)part)]))]);
        HuggingFace(file).Encode("hello world").Should().Equal(260, 262, 108, 100);
    }

    [Fact]
    public void Digits_and_splits_cut_words_before_the_bytes_are_merged()
    {
        var file = SmallBytePairs.HuggingFace();
        file["pre_tokenizer"] = Sequence(
            new JsonObject { ["type"] = "Digits", ["individual_digits"] = true },
            new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false });
        HuggingFace(file).Encode("hello 12").Should().Equal(260, 32, 49, 50);

        const string Words = @"\p{N}{1,2}|\p{L}+|[^\p{N}\p{L}]+";
        file["pre_tokenizer"] = Sequence(
            new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = Words }, ["behavior"] = "Isolated", ["invert"] = false },
            new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = false });
        var tokenizer = HuggingFace(file);
        Text.ForAll(text => tokenizer.Encode(text).Should().Equal(SmallBytePairs.Encode(text, Words)));
    }

    [Fact]
    public void Ignored_merges_take_a_whole_word_at_once()
    {
        var file = SmallBytePairs.HuggingFace();
        file["model"]!["ignore_merges"] = true;
        var tokenizer = HuggingFace(file);
        Text.ForAll(text => tokenizer.Encode(text).Should().Equal(SmallBytePairs.Encode(text)));
    }

    [Fact]
    public void A_tiktoken_table_encodes_with_the_words_of_its_name()
    {
        var tokenizer = TokenizerLoader.Create(_directory.Write("small.tiktoken", SmallBytePairs.Tiktoken()), () => []);
        tokenizer.Kind.Should().Be("tiktoken");
        tokenizer.VocabularySize.Should().Be(SmallBytePairs.EndId);
        // GPT-4 cuts numbers in threes, GPT-2 does not.
        tokenizer.Encode("hello 12345").Should().Equal(260, 32, 265, 52, 53);

        var gpt2 = TokenizerLoader.Create(_directory.Write("r50k_base.tiktoken", SmallBytePairs.Tiktoken()), () => []);
        gpt2.VocabularySize.Should().Be(50257);
        gpt2.Encode("hello<|endoftext|>").Should().Equal(260, 50256);
        var plain = Text.Where(text => !text.Contains(SmallBytePairs.End));
        plain.ForAll(text =>
        {
            gpt2.Encode(text).Should().Equal(SmallBytePairs.Encode(text));
            tokenizer.Decode(tokenizer.Encode(text)).Should().Be(text);
        });
    }

    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("small.tiktoken")]
    public void Saving_and_loading_changes_nothing(string name)
    {
        var path = _directory.Write(name, name == "tokenizer.json" ? SmallBytePairs.HuggingFace().ToJsonString() : SmallBytePairs.Tiktoken());
        var tokenizer = TokenizerLoader.Create(path, () => []);
        tokenizer.Save(_directory["saved"]);
        var loaded = TokenizerLoader.Load(_directory["saved"]);
        loaded.Kind.Should().Be(tokenizer.Kind);
        loaded.VocabularySize.Should().Be(tokenizer.VocabularySize);
        loaded.Encode("hello world\n\n12345").Should().Equal(tokenizer.Encode("hello world\n\n12345"));
    }

    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("small.tiktoken")]
    public void A_folder_that_holds_the_file_is_as_good_as_the_file(string name)
    {
        _directory.Write(name, name == "tokenizer.json" ? SmallBytePairs.HuggingFace().ToJsonString() : SmallBytePairs.Tiktoken());
        TokenizerLoader.Create(_directory.Path, () => []).Encode("hello").Should().Equal(260);
    }

    [Fact]
    public void Half_symbols_and_unknown_ids_decode_to_replacements()
    {
        HuggingFace().Decode([104, 0xE2, 0x82]).Should().Be("h\uFFFD");
        HuggingFace().Decode([104, 99_999, -1]).Should().Be("h\uFFFD\uFFFD");
    }

    [Fact]
    public void Text_encoded_in_pieces_gives_the_tokens_of_the_whole()
    {
        var tokenizer = HuggingFace();
        Text.Array[50, 200].ForAll(
            parts =>
            {
                // Long enough to be cut many times.
                var text = string.Concat(Enumerable.Repeat(string.Concat(parts), 20));
                var pieces = TextPieces.CutBetweenWords([text]).ToArray();
                pieces.SelectMany(piece => tokenizer.Encode(piece)).Should().Equal(tokenizer.Encode(text));
            },
            cases: 5);
    }

    [Theory]
    [InlineData("/model/type", "\"Unigram\"", "model of type Unigram")]
    [InlineData("/model/type", "\"WordPiece\"", "model of type WordPiece")]
    [InlineData("/model/byte_fallback", "true", "byte_fallback")]
    [InlineData("/model/end_of_word_suffix", "\"</w>\"", "end_of_word_suffix '</w>'")]
    [InlineData("/model/vocab", "{\"a\":0}", "lacks 255 of the 256 bytes")]
    [InlineData("/model/vocab", "{\"a\":-1}", "not a Hugging Face tokenizer: -1 is no token id")]
    [InlineData("/model/merges", "[\"qq zz\"]", "not a Hugging Face tokenizer")]
    [InlineData("/model/merges", "[\"qq\"]", "merge 'qq' is not two tokens")]
    [InlineData("/model", "null", "not a Hugging Face tokenizer")]
    [InlineData("/normalizer", "{\"type\":\"Lowercase\"}", "normalizer of type Lowercase")]
    [InlineData("/pre_tokenizer", "null", "not byte-level")]
    [InlineData("/pre_tokenizer", "{\"type\":\"Metaspace\"}", "not byte-level")]
    [InlineData("/pre_tokenizer/add_prefix_space", "true", "add_prefix_space")]
    [InlineData("/pre_tokenizer", "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\",\"add_prefix_space\":false},{\"type\":\"Punctuation\"}]}", "pre-tokenizer of type Punctuation")]
    [InlineData("/pre_tokenizer", "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\p{Han}\"},\"behavior\":\"Isolated\"},{\"type\":\"ByteLevel\",\"add_prefix_space\":false}]}", "pattern that .NET cannot read")]
    public void What_would_be_encoded_otherwise_is_refused_by_name(string pointer, string json, string expected)
    {
        var file = SmallBytePairs.HuggingFace();
        var names = pointer.Split('/')[1..];
        var parent = names[..^1].Aggregate((JsonNode)file, (node, name) => node[name]!);
        parent[names[^1]] = JsonNode.Parse(json);
        var path = _directory.Write("tokenizer.json", file.ToJsonString());
        Refused(path).Should().Contain(path).And.Contain(expected);
    }

    [Theory]
    [InlineData("tokenizer.json", "{", "not a Hugging Face tokenizer")]
    [InlineData("tokenizer.json", "[]", "not a Hugging Face tokenizer")]
    [InlineData("a.tiktoken", "", "empty")]
    [InlineData("a.tiktoken", "aA== 0\nnonsense\n", "line 2")]
    [InlineData("a.tiktoken", "aA== 0\naQ== 0\n", "line 2")]
    [InlineData("a.tiktoken", "aA== 0\naQ== 1\n", "2 of the 256 bytes")]
    [InlineData("tokenizer.model", "x", "neither a tokenizer.json nor a *.tiktoken")]
    public void A_damaged_or_foreign_file_is_refused_with_its_name(string name, string text, string expected)
    {
        var path = _directory.Write(name, text);
        Refused(path).Should().Contain(path).And.Contain(expected);
    }

    [Fact]
    public void A_folder_with_two_tables_wants_one_named()
    {
        _directory.Write("a.tiktoken", SmallBytePairs.Tiktoken());
        _directory.Write("b.tiktoken", SmallBytePairs.Tiktoken());
        Refused(_directory.Path).Should().Contain("2 *.tiktoken");
    }

    private static JsonObject Sequence(params JsonNode[] parts) => new() { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(parts) };

    private static string Refused(string specification)
    {
        var act = () => TokenizerLoader.Create(specification, () => []);
        var exception = act.Should().Throw<IotaException>().Which;
        exception.ExitCode.Should().Be(ExitCode.Data);
        exception.Message.Should().NotContain("\n");
        return exception.Message;
    }

    private ITokenizer HuggingFace(JsonObject? file = null)
    {
        return TokenizerLoader.Create(_directory.Write("tokenizer.json", (file ?? SmallBytePairs.HuggingFace()).ToJsonString()), () => []);
    }
}
