using System.Threading.Channels;
using IotaOrleans.Host.Runs;

namespace IotaOrleans.Host.Archive;

/// <summary>Copies checkpoints behind a run, one at a time and only the newest that waits; nobody waits for it but the end of the session.</summary>
internal sealed class CheckpointArchiver : IAsyncDisposable
{
    private readonly S3Archive _archive;
    private readonly RunFolder _run;
    private readonly int _keep;
    private readonly Action<string> _notice;
    private readonly Channel<string> _checkpoints = Channel.CreateBounded<string>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly CancellationTokenSource _leaving = new();
    private readonly Task _copying;

    /// <param name="archive">Where to.</param>
    /// <param name="run">The run.</param>
    /// <param name="keep">How many checkpoints stay there.</param>
    /// <param name="notice">Told when a checkpoint could not be copied, and why.</param>
    public CheckpointArchiver(S3Archive archive, RunFolder run, int keep, Action<string> notice)
    {
        (_archive, _run, _keep, _notice) = (archive, run, keep, notice);
        _copying = CopyAsync();
    }

    /// <summary>Copies a checkpoint when there is time; an older one that still waits is passed over.</summary>
    public void Add(string checkpoint) => _checkpoints.Writer.TryWrite(checkpoint);

    /// <summary>Copies what waits.</summary>
    public Task FinishAsync()
    {
        _checkpoints.Writer.TryComplete();
        return _copying;
    }

    /// <summary>Gives up what waits.</summary>
    public async ValueTask DisposeAsync()
    {
        await _leaving.CancelAsync();
        await FinishAsync();
        _leaving.Dispose();
    }

    private async Task CopyAsync()
    {
        await foreach (var checkpoint in _checkpoints.Reader.ReadAllAsync())
        {
            try
            {
                await _archive.StoreAsync(_run, checkpoint, _keep, _leaving.Token);
            }
            catch (OperationCanceledException) when (_leaving.IsCancellationRequested)
            {
                return;
            }
            catch (IOException) when (!Directory.Exists(checkpoint))
            {
                // The run has newer ones by now, and one of them waits here.
            }
            catch (Exception failure) when (failure is IotaException or IOException)
            {
                // It stays in the run's folder; the next one is tried again.
                _notice($"{Path.GetFileName(checkpoint)} is not in the archive: {failure.Message}");
            }
        }
    }
}
