namespace IotaOrleans.Protocol.Schedules;

/// <summary>The bubble of a schedule as its paper gives it.</summary>
/// <param name="Idle">Time for which each rank idles in a step.</param>
/// <param name="Share">The same as a share of the step.</param>
/// <param name="Formula">The formula in the field's letters: p ranks, m micro-batches, v chunks, T_F, T_B and T_W the times of the passes.</param>
/// <param name="Source">Where it stands.</param>
/// <param name="Unmet">What the formula takes for granted and this shape or these costs do not give, or null when it holds.</param>
public sealed record PublishedBubble(double Idle, double Share, string Formula, string Source, string? Unmet);
