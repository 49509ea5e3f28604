namespace IotaOrleans.Protocol.Assignment;

/// <summary>A peer that could take the next micro-batch, as its sender sees it.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Speed">Its measured speed, micro-batches per second or relative; above zero.</param>
/// <param name="Outstanding">Micro-batches that were sent to it and are not done.</param>
/// <param name="Credits">How many more it takes.</param>
public sealed record PeerLoad(string Peer, double Speed, int Outstanding, int Credits);
