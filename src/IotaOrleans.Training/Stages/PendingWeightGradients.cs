namespace IotaOrleans.Training.Stages;

/// <summary>
/// The gradients by the weights of one micro-batch, which are still to be added to the stage's. They read nothing that other passes
/// change and change nothing that other passes read: they may run on any lane while the stage's own runs other passes. Those of one stage
/// run one after the other, in the order of their micro-batches, and never while an optimizer step is taken.
/// </summary>
/// <remarks>Create and dispose it on the stage's own lane.</remarks>
internal sealed class PendingWeightGradients : IDisposable
{
    private readonly Action _run;
    private readonly IDisposable _pass;

    public PendingWeightGradients(Action run, IDisposable pass) => (_run, _pass) = (run, pass);

    /// <summary>Adds them, once.</summary>
    public void Run() => _run();

    /// <inheritdoc />
    public void Dispose() => _pass.Dispose();
}
