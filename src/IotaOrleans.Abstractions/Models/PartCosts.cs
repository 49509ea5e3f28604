namespace IotaOrleans;

/// <summary>What the parts of a model cost, forward and backward, measured on the same micro-batch.</summary>
/// <param name="Embedding">Time that the first stage spends besides its blocks.</param>
/// <param name="Block">Time of one decoder block.</param>
/// <param name="Head">Time that the last stage spends besides its blocks: final norm, LM head and loss.</param>
public sealed record PartCosts(TimeSpan Embedding, TimeSpan Block, TimeSpan Head);
