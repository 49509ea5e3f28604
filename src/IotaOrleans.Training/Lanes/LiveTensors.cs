using TorchSharp;

namespace IotaOrleans.Training.Lanes;

/// <summary>Counts tensors that nobody has disposed: in a healthy stage the number after a step is always the same.</summary>
public static class LiveTensors
{
    /// <summary>Tensors that the calling thread made and that were not disposed.</summary>
    public static long OnThisThread => DisposeScopeManager.Statistics.ThreadTotalLiveCount;
}
