namespace IotaOrleans.Training.Checkpoints;

/// <summary>A parameter that a Llama model must have.</summary>
/// <param name="Name">Its Hugging Face name.</param>
/// <param name="Shape">Its dimensions; matrices are <c>[output, input]</c>.</param>
/// <param name="Kind">The part of the model it belongs to.</param>
/// <param name="BlockIndex">The decoder block, when <paramref name="Kind"/> is <see cref="LlamaTensorKind.Block"/>.</param>
public sealed record LlamaTensor(string Name, IReadOnlyList<long> Shape, LlamaTensorKind Kind, int? BlockIndex = null);
