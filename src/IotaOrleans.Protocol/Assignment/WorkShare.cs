namespace IotaOrleans.Protocol.Assignment;

/// <summary>The part of the micro-batches that a peer gets in the long run.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Share">From 0 to 1; all shares add up to one.</param>
public sealed record WorkShare(string Peer, double Share);
