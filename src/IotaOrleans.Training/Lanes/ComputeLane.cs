using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using TorchSharp;

namespace IotaOrleans.Training.Lanes;

/// <summary>
/// A dedicated thread that runs tensor work, one job after the other, with one intra-op thread. libtorch keeps dispose scopes and grad
/// mode per thread and its worker threads spin, so tensor work happens on lanes and nowhere else, and no job ever awaits.
/// </summary>
public sealed class ComputeLane : IDisposable
{
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan ExitPatience = TimeSpan.FromSeconds(5);
    private static readonly ConcurrentDictionary<ComputeLane, bool> Running = new();

    private readonly Channel<Action> _jobs;
    private readonly SharedWork? _shared;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _ending = new();
    private volatile bool _leaving;

    static ComputeLane() => AppDomain.CurrentDomain.ProcessExit += (_, _) => LeaveAll();

    /// <summary>Starts a lane.</summary>
    /// <param name="name">Name of the thread.</param>
    /// <param name="capacity">Jobs that may wait before <see cref="RunAsync{T}"/> makes its caller wait.</param>
    /// <param name="processorShare">Most of the time that it computes, above 0 and at most 1; it rests between jobs for the remainder.</param>
    /// <param name="shared">Work of other lanes as well, which it does when it has no job.</param>
    public ComputeLane(string name, int capacity = 1024, double processorShare = 1, SharedWork? shared = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(processorShare);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(processorShare, 1);
        Name = name;
        ProcessorShare = processorShare;
        _shared = shared;
        _shared?.Join();
        _jobs = Channel.CreateBounded<Action>(new BoundedChannelOptions(capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        _thread = new Thread(Work) { IsBackground = true, Name = name };
        Running[this] = true;
        _thread.Start();
    }

    /// <summary>Name of the lane's thread.</summary>
    public string Name { get; }

    /// <summary>Most of the time that the lane computes.</summary>
    public double ProcessorShare { get; }

    /// <summary>How long a job keeps the lane from others: the rest that follows it included.</summary>
    public TimeSpan Occupied(TimeSpan computing) => computing / ProcessorShare;

    /// <summary>Whether the caller is on this lane.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>Runs a job on the lane. A job that has begun runs to its end; one that waits can be cancelled.</summary>
    /// <exception cref="OperationCanceledException">The token fired before the job began.</exception>
    /// <exception cref="ObjectDisposedException">The lane was disposed before the job began.</exception>
    public async Task<T> RunAsync<T>(Func<T> job, CancellationToken cancellationToken = default)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var registration = cancellationToken.Register(() => completion.TrySetCanceled(cancellationToken));
        try
        {
            await _jobs.Writer.WriteAsync(() => Complete(job, completion), cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(Name);
        }

        try
        {
            return await completion.Task;
        }
        finally
        {
            await registration.DisposeAsync();
        }
    }

    /// <summary>Runs a job on the lane.</summary>
    public Task RunAsync(Action job, CancellationToken cancellationToken = default) => RunAsync(
        () =>
        {
            job();
            return true;
        },
        cancellationToken);

    /// <summary>Queues a job without waiting for it; the job handles its own failures.</summary>
    /// <returns>False when the queue is full or the lane is gone.</returns>
    public bool TryPost(Action job) => _jobs.Writer.TryWrite(job);

    /// <summary>Finishes the queued jobs and ends the thread.</summary>
    public void Dispose()
    {
        _jobs.Writer.TryComplete();
        _ending.Set();
        if (!IsCurrent)
        {
            _thread.Join();
        }
    }

    /// <summary>
    /// A process that exits while lanes compute takes libtorch's global state away from under them, and crashes. What they are at is
    /// finished, what waits is not begun.
    /// </summary>
    private static void LeaveAll()
    {
        var start = Stopwatch.GetTimestamp();
        foreach (var lane in Running.Keys)
        {
            lane._leaving = true;
            lane._jobs.Writer.TryComplete();
            lane._ending.Set();
        }

        foreach (var lane in Running.Keys.Where(lane => !lane.IsCurrent))
        {
            var patience = ExitPatience - Stopwatch.GetElapsedTime(start);
            lane._thread.Join(patience > TimeSpan.Zero ? patience : TimeSpan.Zero);
        }
    }

    private static void Complete<T>(Func<T> job, TaskCompletionSource<T> completion)
    {
        if (completion.Task.IsCompleted)
        {
            return;
        }

        try
        {
            completion.TrySetResult(job());
        }
        catch (Exception failure)
        {
            completion.TrySetException(failure);
        }
    }

    private void Work()
    {
        NativeHeap.KeepFreed();
        torch.set_num_threads(1);
        VectorFunctions.Prepare();
        var reader = _jobs.Reader;
        var due = TimeSpan.Zero;
        do
        {
            _shared?.Leave(this);
            while (!_leaving && (reader.TryRead(out var job) || TryHelp(out job)))
            {
                NativeHeap.ReturnFreedWhenDue();
                if (ProcessorShare == 1)
                {
                    job();
                    continue;
                }

                var start = Stopwatch.GetTimestamp();
                job();
                var computing = Stopwatch.GetElapsedTime(start);
                due += Occupied(computing) - computing;
                due -= Rest(due);
            }
        }
        while (!_leaving && WaitForJob(reader));

        _shared?.End(this);
        Running.TryRemove(this, out _);
    }

    private bool TryHelp([NotNullWhen(true)] out Action? job)
    {
        // A failure is the task's: who offered it sees it there.
        job = _shared?.TakeOrRest(this) is { } work ? work.RunSynchronously : null;
        return job is not null;
    }

    /// <summary>Rests are not exact: what one was too long, the next is shorter.</summary>
    private TimeSpan Rest(TimeSpan due)
    {
        if (due < ShortestRest)
        {
            return TimeSpan.Zero;
        }

        var start = Stopwatch.GetTimestamp();
        _ending.Wait(due);
        return Stopwatch.GetElapsedTime(start);
    }

    private static bool WaitForJob(ChannelReader<Action> reader)
    {
        var wait = reader.WaitToReadAsync();
        return wait.IsCompletedSuccessfully ? wait.Result : wait.AsTask().GetAwaiter().GetResult();
    }
}
