using System.Security.Cryptography;
using IotaOrleans.Tests.Tokenization;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Tests.Data;

public sealed class TokenDataSetTests : PreparedDataFixture
{
    [Theory]
    [InlineData("bytes")]
    [InlineData("characters")]
    public void The_last_tenth_of_a_text_is_validation(string tokenizer)
    {
        var text = string.Concat(Enumerable.Range(0, 10_000).Select(index => (char)('a' + (index % 26))));
        using var data = Prepare(new DataSourceOptions { Data = Files.Write("a.txt", text), Tokenizer = tokenizer });

        Decode(data, data.Train).Should().Be(text[..9000]);
        Decode(data, data.Validation).Should().Be(text[9000..]);
        data.VocabularySize.Should().Be(tokenizer == "bytes" ? 256 : 26);
        data.Train.BytesPerToken.Should().Be(2);
    }

    [Fact]
    public void Text_with_symbols_at_every_block_border_comes_back_whole()
    {
        var text = string.Concat(Enumerable.Range(0, 30_000).Select(index => index % 3 == 0 ? "😀" : index % 3 == 1 ? "é " : "字"));
        var path = Files.Write("a.txt", text);
        foreach (var tokenizer in new[] { "bytes", "characters" })
        {
            using var data = Prepare(new DataSourceOptions { Data = path, Tokenizer = tokenizer, ValidationFraction = 0 });
            Decode(data, data.Train).Should().Be(text);
        }
    }

    [Fact]
    public void A_byte_order_mark_is_not_text()
    {
        using var data = Prepare(new DataSourceOptions { Data = Files.Write("a.txt", "\uFEFFhello hello"), ValidationFraction = 0 });
        Decode(data, data.Train).Should().Be("hello hello");
    }

    [Fact]
    public void The_content_hash_is_that_of_both_files()
    {
        using var data = Prepare(new DataSourceOptions { Data = Files.Write("a.txt", new string('x', 500)) });
        var bytes = File.ReadAllBytes(Files["out/train.bin"]).Concat(File.ReadAllBytes(Files["out/val.bin"])).ToArray();
        data.ContentHash.Should().Be(Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    [Fact]
    public void Preparing_again_reuses_what_is_there_and_an_edit_prepares_anew()
    {
        var options = new DataSourceOptions { Data = Files.Write("a.txt", new string('x', 500)) };
        Prepare(options).Dispose();
        var firstWrite = File.GetLastWriteTimeUtc(Files["out/train.bin"]);

        using (var again = Prepare(options))
        {
            File.GetLastWriteTimeUtc(Files["out/train.bin"]).Should().Be(firstWrite);
        }

        Files.Write("a.txt", new string('x', 600));
        using (var edited = Prepare(options))
        {
            edited.Train.Count.Should().Be(540);
        }

        using var otherOptions = Prepare(options with { ValidationFraction = 0.5 });
        otherOptions.Train.Count.Should().Be(300);
    }

    [Fact]
    public void Reused_data_must_still_be_long_enough_for_the_context()
    {
        var options = new DataSourceOptions { Data = Files.Write("a.txt", new string('x', 500)) };
        Prepare(options, minimumTokens: 50).Dispose();
        Refused(options, ExitCode.Data, minimumTokens: 51).Should().Contain("50 to validate with").And.Contain("at least 510 tokens");
    }

    [Fact]
    public void A_changed_tokenizer_prepares_anew()
    {
        var tokenizer = SmallBytePairs.HuggingFace();
        var options = new DataSourceOptions { Data = Files.Write("a.txt", new string('x', 500)), Tokenizer = Files.Write("tokenizer.json", tokenizer.ToJsonString()) };
        Prepare(options).Dispose();

        tokenizer["added_tokens"]![0]!["id"] = 70_000;
        Files.Write("tokenizer.json", tokenizer.ToJsonString());
        using var data = Prepare(options);
        data.VocabularySize.Should().Be(70_001);
        data.Train.BytesPerToken.Should().Be(4);
        Decode(data, data.Train).Should().Be(new string('x', 450));
    }

    [Fact]
    public void A_tokenizer_with_more_ids_than_allowed_is_refused_with_both_numbers()
    {
        Refused(new DataSourceOptions { Data = Files.Write("a.txt", "abc"), MaximumVocabularySize = 100 }).Should().Contain("256 ids").And.Contain("may have 100");
    }

    [Fact]
    public void A_cut_token_file_is_noticed_when_opened_and_mended_when_prepared()
    {
        var options = new DataSourceOptions { Data = Files.Write("a.txt", new string('x', 500)) };
        Prepare(options).Dispose();
        File.WriteAllBytes(Files["out/train.bin"], [1, 2]);

        var act = () => TokenDataSet.Open(Files["out"]);
        act.Should().Throw<IotaException>().Which.Message.Should().Contain("has 1 tokens").And.Contain("says 450");
        using var mended = Prepare(options);
        mended.Train.Count.Should().Be(450);
    }

    [Fact]
    public void Cancelling_leaves_no_partial_file_and_no_claim_to_be_prepared()
    {
        using var cancellation = new CancellationTokenSource();
        var options = new DataSourceOptions { Data = Files.Write("a.txt", new string('x', 20_000_000)) };
        var act = () => TokenDataSet.Prepare(options, Files["out"], 2, new CallbackProgress(line => CancelAtFirstTokens(line, cancellation)), cancellation.Token);
        act.Should().Throw<OperationCanceledException>();
        Directory.GetFiles(Files["out"]).Select(Path.GetFileName).Should().Equal(PreparationLock.FileName);
    }

    [Fact]
    public async Task Who_finds_a_folder_being_prepared_waits_and_uses_the_result()
    {
        var options = new DataSourceOptions { Data = Files.Write("a.txt", new string('x', 500)) };
        var isWaiting = new TaskCompletionSource();
        var lines = new List<string>();
        var progress = new CallbackProgress(line =>
        {
            lines.Add(line);
            isWaiting.TrySetResult();
        });

        Task<TokenDataSet> second;
        using (PreparationLock.Acquire(Files["out"], null, default))
        {
            second = Task.Run(() => TokenDataSet.Prepare(options, Files["out"], 2, progress));
            await isWaiting.Task.WaitAsync(TimeSpan.FromMinutes(1));
            second.IsCompleted.Should().BeFalse();
        }

        using var data = await second;
        data.Train.Count.Should().Be(450);
        lines[0].Should().StartWith("waiting for another process");
    }

    [Fact]
    public void A_text_with_a_symbol_that_a_given_tokenizer_lacks_is_refused_with_both_named()
    {
        CharacterTokenizer.FromSymbols("abc").Save(Files["model"]);
        Refused(new DataSourceOptions { Data = Files.Write("a.txt", "abcd"), Tokenizer = Files["model"] }).Should().Contain("a.txt").And.Contain("'d' (U+0064)");
    }

    [Fact]
    public void A_folder_without_prepared_data_is_refused_with_its_name()
    {
        var act = () => TokenDataSet.Open(Files.Path);
        act.Should().Throw<IotaException>().Where(exception => exception.ExitCode == ExitCode.Data && exception.Message.Contains(Files.Path));
    }

    [Fact]
    public void A_missing_path_is_refused_with_its_name()
    {
        Refused(new DataSourceOptions { Data = Files["no.txt"] }, ExitCode.Data).Should().Contain(Files["no.txt"]);
    }

    [Fact]
    public void An_empty_file_is_refused_with_its_name()
    {
        Refused(new DataSourceOptions { Data = Files.Write("a.txt", "") }, ExitCode.Data).Should().Contain("a.txt").And.Contain("empty");
    }

    [Fact]
    public void A_text_too_short_for_the_context_says_what_it_has_and_needs_and_that_much_is_enough()
    {
        var options = new DataSourceOptions { Data = Files.Write("a.txt", new string('x', 100)) };
        Refused(options, ExitCode.Data, minimumTokens: 33).Should().Contain("90 tokens to train").And.Contain("10 to validate").And.Contain("needs 33").And.Contain("at least 330 tokens");

        Files.Write("a.txt", new string('x', 330));
        using var data = Prepare(options, minimumTokens: 33);
        data.Validation.Count.Should().Be(33);
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_refused_with_their_offset()
    {
        var bytes = Enumerable.Repeat((byte)'x', 100_000).ToArray();
        bytes[70_001] = 0xE9;
        Refused(new DataSourceOptions { Data = Files.Write("latin.txt", bytes) }, ExitCode.Data).Should().Contain("latin.txt").And.Contain("0xE9").And.Contain("offset 70001");
    }

    [Fact]
    public void A_text_that_ends_within_a_symbol_is_refused_with_the_offset()
    {
        Refused(new DataSourceOptions { Data = Files.Write("cut.txt", [(byte)'a', 0xE2, 0x82]) }, ExitCode.Data).Should().Contain("offset 1");
    }

    [Fact]
    public void More_distinct_symbols_than_allowed_are_refused_with_both_numbers()
    {
        var options = new DataSourceOptions { Data = Files.Write("a.txt", "abcdef"), Tokenizer = "characters", MaximumVocabularySize = 5 };
        Refused(options, ExitCode.Data).Should().Contain("a.txt").And.Contain("6 distinct symbols").And.Contain("may have 5");
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.0)]
    [InlineData(double.NaN)]
    public void A_validation_fraction_that_leaves_nothing_to_train_on_is_refused(double fraction)
    {
        Refused(new DataSourceOptions { Data = Files.Write("a.txt", "abc"), ValidationFraction = fraction }, ExitCode.Usage).Should().Contain("validation fraction");
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_a_fault_of_the_environment()
    {
        var options = new DataSourceOptions { Data = Files.Write("a.txt", new string('x', 500)) };
        var act = () => TokenDataSet.Prepare(options, Files["a.txt/out"], 2);
        act.Should().Throw<IotaException>().Where(exception => exception.ExitCode == ExitCode.Environment && exception.Message.Contains("a.txt/out"));
    }

    private static void CancelAtFirstTokens(string line, CancellationTokenSource cancellation)
    {
        if (line.EndsWith(" tokens", StringComparison.Ordinal))
        {
            cancellation.Cancel();
        }
    }

    private sealed class CallbackProgress(Action<string> callback) : IProgress<string>
    {
        public void Report(string value) => callback(value);
    }
}
