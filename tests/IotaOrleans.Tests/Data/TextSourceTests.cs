using CsCheck;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Data.Sources;

namespace IotaOrleans.Tests.Data;

public sealed class TextSourceTests : PreparedDataFixture
{
    [Fact]
    public void A_folder_is_its_text_and_markdown_files_at_any_depth_in_ordinal_order()
    {
        Files.Write("in/b.txt", "second");
        Files.Write("in/B.md", "first");
        Files.Write("in/c/deep/a.md", "third");
        Files.Write("in/code.cs", "never");
        TextOf(new DataSourceOptions { Data = Files["in"] }).Should().Be("first\n\nsecond\n\nthird");
    }

    [Fact]
    public void A_glob_is_what_it_matches()
    {
        Files.Write("in/a.rst", "top");
        Files.Write("in/sub/b.rst", "below");
        Files.Write("in/sub/b.txt", "never");
        TextOf(new DataSourceOptions { Data = Files["in/**/*.rst"] }).Should().Be("top\n\nbelow");
        TextOf(new DataSourceOptions { Data = Files["in/*.rst"] }).Should().Be("top");
    }

    [Fact]
    public void A_relative_glob_starts_in_the_current_folder()
    {
        var act = () => TextFiles.FromGlob("**/*.no-such-ending", null);
        act.Should().Throw<IotaException>().Which.Message.Should().Contain(Directory.GetCurrentDirectory());
    }

    [Fact]
    public void A_glob_that_matches_nothing_is_refused_with_the_pattern()
    {
        Refused(new DataSourceOptions { Data = Files["nowhere/**/*.md"] }).Should().Contain("nowhere/**/*.md").And.Contain("matches no file");
    }

    [Fact]
    public void A_folder_without_text_is_refused_with_its_name()
    {
        Files.Write("in/code.cs", "never");
        Refused(new DataSourceOptions { Data = Files["in"] }).Should().Contain(Files["in"]).And.Contain("*.txt");
    }

    [Fact]
    public void An_added_file_makes_prepared_data_stale()
    {
        Files.Write("in/a.txt", "one");
        var options = new DataSourceOptions { Data = Files["in"] };
        TextOf(options).Should().Be("one");
        Files.Write("in/b.txt", "two");
        TextOf(options).Should().Be("one\n\ntwo");
    }

    [Fact]
    public void Json_lines_give_the_text_of_their_field_and_blank_lines_nothing()
    {
        var path = Files.Write("a.jsonl", "\uFEFF{\"text\":\"caf\\u00e9\",\"n\":1}\r\n\n{\"text\":\"two\"}");
        TextOf(new DataSourceOptions { Data = path }).Should().Be("café\n\ntwo");
    }

    [Fact]
    public void Json_lines_longer_than_any_buffer_come_back_whole()
    {
        var texts = Enumerable.Range(0, 5).Select(index => new string((char)('a' + index), 100_000 * index)).ToArray();
        var path = Files.Write("a.jsonl", string.Concat(texts.Select(text => $"{{\"body\":\"{text}\"}}\n")));
        TextOf(new DataSourceOptions { Data = path, Field = "body" }).Should().Be(string.Join("\n\n", texts));
    }

    [Fact]
    public void A_json_line_without_the_field_is_refused_with_its_number_and_what_it_has_instead()
    {
        var path = Files.Write("a.jsonl", "{\"text\":\"x\"}\n\n{\"content\":\"y\"}\n");
        Refused(new DataSourceOptions { Data = path }).Should().Contain("a.jsonl line 3").And.Contain("'text'").And.Contain("'content'").And.Contain("--field");
    }

    [Theory]
    [InlineData("{\"text\":")]
    [InlineData("{\"text\":\"\\ud800\"}")]
    [InlineData("nonsense")]
    public void A_line_that_is_not_json_is_refused_with_its_number(string line)
    {
        Refused(new DataSourceOptions { Data = Files.Write("a.jsonl", "{\"text\":\"x\"}\n" + line) }).Should().Contain("a.jsonl line 2").And.Contain("not a JSON object");
    }

    [Fact]
    public void A_json_line_that_is_not_utf8_is_refused_with_its_number()
    {
        Refused(new DataSourceOptions { Data = Files.Write("a.jsonl", [.. "{\"text\":\""u8, 0xE9, .. "\"}"u8]) }).Should().Contain("line 1").And.Contain("UTF-8");
    }

    [Fact]
    public void Cutting_text_loses_nothing_and_cuts_only_between_words()
    {
        Gen.Char["ab \n"].Array[0, 200].Array[0, 400].ForAll(
            words =>
            {
                var pieces = words.Select(word => new string(word)).ToArray();
                var cut = TextPieces.CutBetweenWords(pieces).ToArray();
                string.Concat(cut).Should().Be(string.Concat(pieces));
                for (var index = 1; index < cut.Length; index++)
                {
                    cut[index].Should().MatchRegex("^ [ab]");
                    cut[index - 1].Should().MatchRegex("[ab]\\z");
                }
            },
            cases: 100);
    }

    [Fact]
    public void Text_without_a_place_to_cut_is_held_only_up_to_a_limit()
    {
        var pieces = TextPieces.CutBetweenWords(Enumerable.Repeat("x" + string.Concat(Enumerable.Repeat("😀", 5000)), 300)).ToArray();
        pieces.Should().OnlyContain(piece => piece.Length <= TextPieces.MaximumLength && !char.IsHighSurrogate(piece.Last()));
        pieces.Sum(piece => piece.Length).Should().Be(300 * 10_001);
    }
}
