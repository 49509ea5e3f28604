using System.Runtime.CompilerServices;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>
/// Holds the finalizer thread. Code that uses TorchSharp as anybody would makes temporary Scalars at every turn, which a collection
/// lets the finalizer free while native code still reads them (see the model's Numbers); what waits here is freed afterwards.
/// </summary>
internal sealed class FinalizerPause : IDisposable
{
    private readonly ManualResetEventSlim _held = new();
    private readonly ManualResetEventSlim _release = new();

    public FinalizerPause()
    {
        Plant();
        do
        {
            GC.Collect();
        }
        while (!_held.Wait(TimeSpan.FromMilliseconds(10)));
    }

    public void Dispose() => _release.Set();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Plant() => _ = new Plug(_held, _release);

    private sealed class Plug(ManualResetEventSlim held, ManualResetEventSlim release)
    {
        ~Plug()
        {
            held.Set();
            release.Wait();
        }
    }
}
