namespace IotaOrleans.Protocol.Attribution;

/// <summary>What a miner does to the loss of the micro-batches that pass through it.</summary>
/// <param name="Stage">The stage it holds.</param>
/// <param name="Miner">The miner.</param>
/// <param name="Samples">Micro-batches that passed through it, as they are weighted.</param>
/// <param name="PlainMean">Their mean loss: what the naive comparison looks at.</param>
/// <param name="Effect">Nats that it adds to the loss, against the median miner of its stage, with all other miners' effects taken out.</param>
/// <param name="StandardError">Of the effect.</param>
/// <param name="Score">Effect in standard errors (a z-score).</param>
/// <param name="Probability">Chance of a score as far from zero, or farther, for a miner like the others.</param>
/// <param name="IsHarmful">Whether it is named, with all miners and all looks so far taken into account.</param>
/// <param name="IsTooGood">Whether its losses are better than can be chance; who reports losses itself may lie.</param>
public sealed record MinerEffect(
    int Stage, string Miner, double Samples, double PlainMean, double Effect, double StandardError, double Score, double Probability, bool IsHarmful, bool IsTooGood);
