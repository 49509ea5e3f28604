using static TorchSharp.torch;

namespace IotaOrleans.Training.Models;

/// <summary>
/// A weight of the model and the place where its gradient accumulates: it is computed apart from the gradient by the input, by the
/// <see cref="PassRecord"/>.
/// </summary>
/// <param name="Values">A view into the stage's values.</param>
/// <param name="Gradient">The view of the same shape into the stage's gradients.</param>
internal sealed record StageWeight(Tensor Values, Tensor Gradient) : IDisposable
{
    /// <inheritdoc />
    public void Dispose()
    {
        Values.Dispose();
        Gradient.Dispose();
    }
}
