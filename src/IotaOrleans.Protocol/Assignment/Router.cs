using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace IotaOrleans.Protocol.Assignment;

/// <summary>
/// Chooses the next hop of a micro-batch: the peer that can begin with it first. Whoever is idle gets work, so that every peer is kept busy
/// and gets work in proportion to its speed, without anybody computing shares.
/// </summary>
public static class Router
{
    /// <summary>
    /// The peer with the least outstanding/speed among those with a free credit: the work that it has left. Of several idle ones the fastest
    /// is chosen, and among equals the seed decides, so that not all senders choose the same. Null when there is none: the micro-batch waits for a credit.
    /// </summary>
    /// <param name="peers">The replicas of the next stage.</param>
    /// <param name="seed">Differs from micro-batch to micro-batch.</param>
    /// <param name="excluded">Peers that refused this micro-batch or were lost with it.</param>
    public static string? Choose(IEnumerable<PeerLoad> peers, long seed, IReadOnlySet<string>? excluded = null) => peers
        .Where(peer => peer.Credits > 0 && IsUsable(peer, excluded))
        .OrderBy(peer => peer.Outstanding / peer.Speed)
        .ThenByDescending(peer => peer.Speed)
        .ThenBy(peer => Lot(peer.Peer, seed))
        .Select(peer => peer.Peer)
        .FirstOrDefault();

    /// <summary>What each peer gets in the long run, in proportion to speed; what the excluded had goes to the others in the same proportion.</summary>
    /// <param name="peers">The replicas of the next stage.</param>
    /// <param name="excluded">Peers that refuse work or are lost.</param>
    public static ImmutableArray<WorkShare> WorkShares(IEnumerable<PeerLoad> peers, IReadOnlySet<string>? excluded = null)
    {
        var usable = peers.Where(peer => IsUsable(peer, excluded)).ToArray();
        var total = usable.Sum(peer => peer.Speed);
        return [.. usable.Select(peer => new WorkShare(peer.Peer, peer.Speed / total))];
    }

    private static bool IsUsable(PeerLoad peer, IReadOnlySet<string>? excluded) => peer.Speed > 0 && excluded?.Contains(peer.Peer) != true;

    private static ulong Lot(string peer, long seed)
    {
        Span<byte> message = stackalloc byte[sizeof(long) + Encoding.UTF8.GetMaxByteCount(peer.Length)];
        BinaryPrimitives.WriteInt64LittleEndian(message, seed);
        var length = sizeof(long) + Encoding.UTF8.GetBytes(peer, message[sizeof(long)..]);
        return BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(message[..length]));
    }
}
