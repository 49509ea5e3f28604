using System.Collections.Immutable;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Grains.Validation;
using IotaOrleans.Protocol.Validation;
using IotaOrleans.Tests;
using Microsoft.Extensions.Options;

namespace IotaOrleans.ClusterTests.Ledger;

/// <summary>The key by which a miner signs, kept in a file or not.</summary>
public sealed class MinerKeyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_key_in_a_file_is_made_once_and_is_its_owners_alone()
    {
        var file = _folder.File("miner.pem");

        var (first, second, other) = (PublicKey(file), PublicKey(file), PublicKey(null));

        second.Should().Equal(first);
        other.Should().NotEqual(first);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(file).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    [Theory]
    [InlineData("no key")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIrvhJ1F2K1yVtXx0x2nJm4v1mWQ0m7nY2rC6Q0m1G2v\n-----END PRIVATE KEY-----")]
    public void What_is_no_such_key_is_named_and_kept(string text)
    {
        var file = _folder.File("miner.pem");
        File.WriteAllText(file, text);

        FluentActions.Invoking(() => PublicKey(file)).Should().Throw<IotaException>().WithMessage($"'{file}' is not a miner's key (ECDSA on P-256, PEM): *").Which.ExitCode.Should().Be(ExitCode.Environment);
        File.ReadAllText(file).Should().Be(text);
    }

    private static ImmutableArray<byte> PublicKey(string? file)
    {
        using var key = new MinerKey(Options.Create(new IotaSiloOptions { KeyFile = file }));
        var state = new StateCommitment(1, 2, 3, 4);
        var sealedSegment = key.Seal(new SegmentRecord { Shard = new ShardKey("run", 0, "ada"), Index = 0, Start = state, End = state, LiveAtStart = [], LiveAtEnd = [], Ops = [] });
        SegmentHash.IsSealed(sealedSegment).Should().BeTrue();
        return sealedSegment.Seal!.PublicKey;
    }
}
