using System.Security.Cryptography;
using IotaOrleans.Protocol.Validation;

namespace IotaOrleans.Tests.Protocol.Validation;

public sealed class SegmentHashTests : IDisposable
{
    private static readonly StateCommitment State = new(1, 2, 3, 4);
    private static readonly SegmentRecord Segment = new()
    {
        Shard = new ShardKey("run", 1, "ada"),
        Index = 5,
        Start = State,
        End = State with { LocalSteps = 5 },
        LiveAtStart = [new LivePassClaim(6, 7, 8, 9, 10)],
        LiveAtEnd = [],
        Ops = [new TraceOp(TraceOpKind.Forward, 11, 12, 13, 14, 1.5f, 16, 17), new TraceOp(TraceOpKind.Update, 5)],
    };

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    [Fact]
    public void A_signed_segment_is_known_to_be_its_miners()
    {
        var sealedSegment = SegmentHash.Seal(Segment, _key);

        SegmentHash.IsSealed(sealedSegment).Should().BeTrue();
        SegmentHash.IsSigned(sealedSegment.Seal!).Should().BeTrue();
        sealedSegment.Seal!.Signature.Should().HaveCount(64);
        SegmentHash.Of(sealedSegment).Should().Equal(SegmentHash.Of(Segment), "the seal is not part of what is signed");
    }

    [Fact]
    public void Whatever_is_changed_breaks_the_seal()
    {
        var signed = SegmentHash.Seal(Segment, _key);
        SegmentRecord[] changed =
        [
            signed with { Shard = signed.Shard with { Miner = "eve" } },
            signed with { Shard = signed.Shard with { Stage = 0 } },
            signed with { Index = 6 },
            signed with { Start = State with { Weights = 0 } },
            signed with { Start = State with { FirstMoment = 0 } },
            signed with { Start = State with { SecondMoment = 0 } },
            signed with { End = State },
            signed with { LiveAtStart = [] },
            signed with { LiveAtStart = [], LiveAtEnd = signed.LiveAtStart },
            signed with { LiveAtStart = [signed.LiveAtStart[0] with { Gradient = 0 }] },
            signed with { Ops = [signed.Ops[1], signed.Ops[0]] },
            signed with { Ops = [.. signed.Ops, signed.Ops[0]] },
            .. new[]
            {
                signed.Ops[0] with { Kind = TraceOpKind.Cut }, signed.Ops[0] with { Number = 0 }, signed.Ops[0] with { Input = 0 }, signed.Ops[0] with { Output = 0 },
                signed.Ops[0] with { Step = 0 }, signed.Ops[0] with { Loss = -1.5f }, signed.Ops[0] with { LeftOut = 0 }, signed.Ops[0] with { Microseconds = 0 },
            }.Select(op => signed with { Ops = [op, signed.Ops[1]] }),
        ];

        changed.Should().OnlyContain(segment => !SegmentHash.IsSealed(segment));
        changed.Select(segment => Convert.ToHexString(SegmentHash.Of(segment))).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void A_seal_that_is_no_seal_is_refused_and_not_thrown_at_anybody()
    {
        var signed = SegmentHash.Seal(Segment, _key);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        SegmentHash.IsSealed(Segment).Should().BeFalse("nobody signed it");
        SegmentHash.IsSealed(signed with { Seal = signed.Seal! with { PublicKey = [1, 2, 3] } }).Should().BeFalse();
        SegmentHash.IsSealed(signed with { Seal = signed.Seal! with { PublicKey = [.. other.ExportSubjectPublicKeyInfo()] } }).Should().BeFalse();
        SegmentHash.IsSealed(signed with { Seal = signed.Seal! with { Signature = [] } }).Should().BeFalse();
        SegmentHash.IsSealed(signed with { Seal = signed.Seal! with { Hash = [] } }).Should().BeFalse();
    }

    public void Dispose() => _key.Dispose();
}
