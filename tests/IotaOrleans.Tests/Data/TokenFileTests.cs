using CsCheck;
using IotaOrleans.Training.Data;

namespace IotaOrleans.Tests.Data;

public sealed class TokenFileTests
{
    [Fact]
    public void Tokens_come_back_as_written_in_either_width()
    {
        using var directory = new TemporaryDirectory();
        Gen.Select(Gen.Bool, Gen.Int[0, 65535].Array[1, 5000], Gen.Int[0, 5000], Gen.Int[0, 5000]).ForAll(
            (wide, tokens, from, length) =>
            {
                var path = directory[Guid.NewGuid().ToString()];
                using (var writer = new TokenFileWriter(path, wide ? 70_000 : 65_536))
                {
                    writer.Write(tokens);
                    writer.Count.Should().Be(tokens.Length);
                }

                using var file = TokenFile.Open(path, wide ? 4 : 2);
                file.Count.Should().Be(tokens.Length);
                from = Math.Min(from, tokens.Length);
                var read = new long[Math.Min(length, tokens.Length - from)];
                file.Read(from, read);
                read.Should().Equal(tokens.Skip(from).Take(read.Length).Select(token => (long)token));
            },
            cases: 40);
    }

    [Fact]
    public void Two_byte_tokens_are_little_endian()
    {
        using var directory = new TemporaryDirectory();
        using var file = TokenFile.Open(directory.Write("a.bin", [0x01, 0x02, 0xFF, 0xFF]), 2);
        var tokens = new long[2];
        file.Read(0, tokens);
        tokens.Should().Equal(0x0201, 0xFFFF);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(2, 1)]
    [InlineData(0, 3)]
    [InlineData(long.MaxValue, 1)]
    public void Reading_outside_the_file_is_refused(long offset, int length)
    {
        using var directory = new TemporaryDirectory();
        using var file = TokenFile.Open(directory.WriteTokens("a.bin", 1, 2), 2);
        var act = () => file.Read(offset, new long[length]);
        act.Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void An_empty_file_has_no_tokens()
    {
        using var directory = new TemporaryDirectory();
        using var file = TokenFile.Open(directory.WriteTokens("a.bin"), 2);
        file.Count.Should().Be(0);
        file.Read(0, []);
    }

    [Fact]
    public void A_length_that_is_no_whole_number_of_tokens_is_refused_with_the_file_named()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.Write("odd.bin", [1, 2, 3]);
        var act = () => TokenFile.Open(path, 2);
        act.Should().Throw<IotaException>().Where(exception => exception.ExitCode == ExitCode.Data && exception.Message.Contains(path) && exception.Message.Contains("3 bytes"));
    }

    [Fact]
    public void Reading_after_disposal_throws_instead_of_crashing()
    {
        using var directory = new TemporaryDirectory();
        var file = TokenFile.Open(directory.WriteTokens("a.bin", 1, 2), 2);
        file.Dispose();
        var act = () => file.Read(0, new long[1]);
        act.Should().Throw<ObjectDisposedException>();
    }
}
