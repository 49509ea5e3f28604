using System.Runtime.InteropServices;

namespace IotaOrleans.Host.Hosting;

/// <summary>Ctrl+C and its kin: the first asks politely, the second ends the process.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _requested = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Action _beforeLeaving;
    private int _signals;

    /// <param name="beforeLeaving">Runs before the process ends at once.</param>
    public Interruption(Action beforeLeaving)
    {
        _beforeLeaving = beforeLeaving;
        _registrations =
        [
            .. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }
                .Select(signal => PosixSignalRegistration.Create(signal, Handle)),
        ];
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Requested => _requested.Token;

    /// <summary>Completes with the first signal.</summary>
    public async Task WaitAsync()
    {
        var signalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = Requested.Register(signalled.SetResult);
        await signalled.Task;
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _requested.Dispose();
    }

    private void Request()
    {
        try
        {
            _requested.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The command ended at the same moment.
        }
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _signals) == 1)
        {
            // Not on the signal's own thread: the next signal must find it free.
            ThreadPool.QueueUserWorkItem(_ => Request());
            return;
        }

        _beforeLeaving();
        Environment.Exit((int)ExitCode.Interrupted);
    }
}
