namespace IotaOrleans.Tests;

/// <summary>
/// Tests that run beside no others: those that use torch as anybody would, with temporary Scalars, must not meet a collection on
/// another thread, and the one that collects without rest is such a thread. Those that look at the pages of the process's heap must not
/// meet one that gives them back.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TorchAlone
{
    public const string Name = "torch alone";
}
