using IotaOrleans.Training.Lanes;

namespace IotaOrleans.Grains.Validation;

/// <summary>The lane on which this silo's validators compute; its thread starts with the first check.</summary>
internal sealed class ValidatorLane : IDisposable
{
    private readonly Lazy<ComputeLane> _lane = new(() => new ComputeLane("validator"));

    public Task<T> RunAsync<T>(Func<T> job) => _lane.Value.RunAsync(job);

    /// <inheritdoc />
    public void Dispose()
    {
        if (_lane.IsValueCreated)
        {
            _lane.Value.Dispose();
        }
    }
}
