namespace IotaOrleans.Training.Checkpoints;

/// <summary>A tensor that a <see cref="SafetensorsWriter"/> is about to write.</summary>
/// <param name="Name">Its unique name.</param>
/// <param name="DType">Its element type.</param>
/// <param name="Shape">Its dimensions, outermost first; empty for a scalar.</param>
public sealed record SafetensorsTensor(string Name, SafetensorsDType DType, IReadOnlyList<long> Shape);
