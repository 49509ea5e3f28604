using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>A miner's signature under a segment: nobody else could have handed it in, and it cannot say later that it did not.</summary>
/// <param name="Hash">SHA-256 of the segment, 32 bytes.</param>
/// <param name="PublicKey">The miner's key: ECDSA on the curve P-256, as a SubjectPublicKeyInfo.</param>
/// <param name="Signature">The signature of the hash: r and s, 64 bytes.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.SegmentSeal")]
public sealed record SegmentSeal(
    [property: Id(0)] ImmutableArray<byte> Hash, [property: Id(1)] ImmutableArray<byte> PublicKey, [property: Id(2)] ImmutableArray<byte> Signature);
