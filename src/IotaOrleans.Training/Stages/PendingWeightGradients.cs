using IotaOrleans.Training.Models;

namespace IotaOrleans.Training.Stages;

/// <summary>
/// The gradients by the weights of one micro-batch, which are still to be added to the stage's, in parts of about a matrix product each. They
/// read nothing that other passes change and change nothing that other passes read: they may run on any lane while the stage's own runs other
/// passes, and the parts beside each other. Those of one stage run one after the other, in the order of their micro-batches, and never while
/// an optimizer step is taken.
/// </summary>
/// <param name="record">What the forward pass and the first half of the backward pass have left.</param>
/// <param name="pass">Owns it.</param>
/// <remarks>Create and dispose it on the stage's own lane.</remarks>
internal sealed class PendingWeightGradients(PassRecord record, IDisposable pass) : IDisposable
{
    /// <summary>How many parts there are.</summary>
    public int Parts => record.WeightParts;

    /// <summary>Adds one part, once.</summary>
    public void Run(int part) => record.BackwardWeights(part);

    /// <summary>Adds all parts.</summary>
    public void Run()
    {
        for (var part = 0; part < Parts; part++)
        {
            Run(part);
        }
    }

    /// <inheritdoc />
    public void Dispose() => pass.Dispose();
}
