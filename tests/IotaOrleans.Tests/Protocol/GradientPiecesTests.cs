using CsCheck;
using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Tests.Protocol;

public sealed class GradientPiecesTests
{
    private static readonly Gen<GradientPieces> Any =
        Gen.Select(Gen.Int[0, 5000], Gen.Int[1, 7], Gen.Int[1, 300], (length, replicas, maximum) => new GradientPieces(length, replicas, maximum));

    [Fact]
    public void The_pieces_cover_the_gradient_once_and_none_is_too_large() => Gen.Select(Gen.Int[0, 5000], Gen.Int[1, 7], Gen.Int[1, 300]).ForAll((length, replicas, maximum) =>
    {
        var pieces = new GradientPieces(length, replicas, maximum);
        var ranges = Enumerable.Range(0, pieces.Count).Select(piece => pieces.Of(piece).GetOffsetAndLength(length)).ToArray();

        ranges.SelectMany(range => Enumerable.Range(range.Offset, range.Length)).Should().Equal(Enumerable.Range(0, length));
        ranges.Max(range => range.Length).Should().BeLessThanOrEqualTo(maximum);
        (ranges.Max(range => range.Length) - ranges.Min(range => range.Length)).Should().BeLessThanOrEqualTo(1, "everybody has as much to add up");
    });

    [Fact]
    public void In_each_round_every_replica_adds_one_piece_up() => Any.ForAll(pieces =>
    {
        for (var round = 0; round < pieces.Rounds; round++)
        {
            Enumerable.Range(0, pieces.Replicas).Select(replica => pieces.OwnerOf(pieces.PieceOf(round, replica))).Should().Equal(Enumerable.Range(0, pieces.Replicas));
        }
    });

    [Fact]
    public void Each_part_of_each_piece_has_a_name_of_its_own() => Any.ForAll(pieces =>
        Enumerable.Range(0, pieces.Count).SelectMany(piece => Enumerable.Range(0, pieces.Replicas).Select(replica => pieces.PartOf(piece, replica))).Should().OnlyHaveUniqueItems());
}
