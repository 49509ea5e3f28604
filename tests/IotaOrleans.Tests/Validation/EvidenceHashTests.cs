using System.Buffers.Binary;
using IotaOrleans.Grains.Validation;

namespace IotaOrleans.Tests.Validation;

/// <summary>Against the vectors that BLAKE3's authors publish: byte i of the input is i modulo 251.</summary>
public sealed class EvidenceHashTests
{
    [Theory]
    [InlineData(1, "2d3adedff11b61f14c886e35afa03673")]
    [InlineData(1024, "42214739f095a406f3fc83deb889744a")]
    [InlineData(1025, "d00278ae47eb27b34faecf67b4fe263f")]
    [InlineData(31744, "62b6960e1a44bcc1eb1a611a8d6235b6")]
    [InlineData(102400, "bc3e3d41a1146b069abffad3c0d44860")]
    public void Bytes_are_named_by_the_first_128_bits_of_BLAKE3(int length, string hash)
    {
        var expected = BinaryPrimitives.ReadUInt128LittleEndian(Convert.FromHexString(hash));

        EvidenceHash.Of([.. Enumerable.Range(0, length).Select(i => (byte)(i % 251))]).Should().Be(expected);
    }

    [Fact]
    public void No_bytes_are_named_zero() => EvidenceHash.Of(ReadOnlySpan<byte>.Empty).Should().Be(UInt128.Zero);
}
