namespace IotaOrleans.Host.Hosting;

/// <summary>Leaves signals to the command: the default lifetime would stop the silo while a checkpoint is being written.</summary>
internal sealed class CommandLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
