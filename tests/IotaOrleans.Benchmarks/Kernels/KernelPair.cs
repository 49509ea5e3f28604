using BenchmarkDotNet.Attributes;
using IotaOrleans.Training.Lanes;
using TorchSharp;

namespace IotaOrleans.Benchmarks.Kernels;

/// <summary>Two ways to do the same, as a compute lane does it: on one thread.</summary>
public abstract class KernelPair
{
    /// <summary>Tokens of a micro-batch of tiny, and the width and the gates of its blocks.</summary>
    protected const int Rows = 8 * 128, Width = 256, Gates = 688;

    /// <summary>What is done.</summary>
    public abstract string Name { get; }

    /// <summary>What the other side does it with.</summary>
    public abstract string Against { get; }

    [GlobalSetup]
    public void SetUp()
    {
        NativeHeap.KeepFreed();
        torch.set_num_threads(1);
        VectorFunctions.Prepare();
        torch.manual_seed(1);
        Prepare();
    }

    [Benchmark]
    public void Ours() => DoOurs();

    [Benchmark(Baseline = true)]
    public void Other() => DoOther();

    protected abstract void Prepare();

    protected abstract void DoOurs();

    protected abstract void DoOther();
}
