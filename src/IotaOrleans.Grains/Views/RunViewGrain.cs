using System.Collections.Immutable;
using IotaOrleans.Grains.Placement;
using IotaOrleans.Grains.Storage;
using IotaOrleans.Grains.Telemetry;
using IotaOrleans.Protocol.Views;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace IotaOrleans.Grains.Views;

/// <summary>
/// The read model of one run. Events live in memory, and what was decided in the journal; the view is stored when the phase changes and otherwise at most
/// every <see cref="WriteInterval"/>, so that a fast run does not turn into a storm of writes. Nobody waits for them.
/// </summary>
[ControlPlacement]
internal sealed partial class RunViewGrain(
    [PersistentState("view", StorageNames.Control)] IPersistentState<RunViewGrainState> state,
    IRunJournal journal,
    IHostApplicationLifetime host,
    TimeProvider time,
    ILogger<RunViewGrain> logger) : Grain, IRunViewGrain
{
    private const int KeptEvents = 10_000;
    private const int EventsPerCall = 1_000;

    /// <summary>Numbers promised to storage ahead of use: after a crash numbering goes on behind them, so no number is used twice.</summary>
    private const int ReservedNumbers = 1_000;

    private static readonly TimeSpan WriteInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaximumPatience = TimeSpan.FromSeconds(20);

    /// <summary>How long a reader is held when the log has closed, so that asking again is no busy loop.</summary>
    private static readonly TimeSpan ClosedPatience = TimeSpan.FromMilliseconds(100);

    private RunEventLog _log = new(KeptEvents, lastNumber: 0);
    private BatchWriter<RunEvent>? _decisions;
    private CancellationTokenRegistration _stopping;
    private Task _writing = Task.CompletedTask;
    private bool _dirty;
    private DateTimeOffset? _stepBegan;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var run = this.GetPrimaryKeyString();
        _log = new RunEventLog(KeptEvents, state.State.LastNumber);
        _decisions = new BatchWriter<RunEvent>("events", batch => journal.AppendAsync(run, batch), time, logger);

        // A silo ends an activation only after its calls: without this, whoever waits for events would hold up the end.
        _stopping = host.ApplicationStopping.Register(() => _log.Close());
        this.RegisterGrainTimer(
            _ =>
            {
                if (_dirty)
                {
                    BeginWriting();
                }

                return Task.CompletedTask;
            },
            WriteInterval,
            WriteInterval);
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _stopping.DisposeAsync();
        _log.Close();
        await KeepAllAsync(cancellationToken);
        await _writing;
        if (_dirty || state.State.LastNumber != _log.LastNumber)
        {
            try
            {
                // A clean end gives the numbers back that were only promised.
                await WriteAsync(reserve: 0);
            }
            catch (Exception failure) when (host.ApplicationStopping.IsCancellationRequested)
            {
                // A silo that goes down may lose its storage first; numbers that were promised are then left out.
                LogNotWritten(this.GetPrimaryKeyString(), failure.Message);
            }
        }
    }

    private async Task KeepAllAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _decisions!.DrainAsync().WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            LogNotWritten(this.GetPrimaryKeyString(), "the journal did not take the last events in time");
        }
    }

    public async Task PublishAsync(RunPhase phase, ImmutableArray<RunEvent> events)
    {
        var run = this.GetPrimaryKeyString();
        var before = state.State.View;
        if (before is null)
        {
            await GrainFactory.GetGrain<IRunCatalogGrain>(IRunCatalogGrain.Key).AddAsync(run);
        }

        var view = RunViewReducer.Apply(before, run, phase, time.GetUtcNow());
        foreach (var @event in events)
        {
            var numbered = _log.Append(@event);
            view = RunViewReducer.Apply(view, run, phase, numbered);
            Measure(@event, view);
            Keep(numbered);
        }

        state.State.View = view;
        _dirty = true;
        if (events.Length > 0)
        {
            _log.Announce();
        }

        if (before?.Phase != phase || _log.LastNumber > state.State.LastNumber)
        {
            BeginWriting();
        }
    }

    public Task<RunView?> GetAsync() => Task.FromResult(state.State.View);

    public async Task<ImmutableArray<RunEvent>> GetEventsAsync(long after, TimeSpan patience)
    {
        var started = time.GetTimestamp();
        patience = patience > MaximumPatience ? MaximumPatience : patience;
        while (true)
        {
            var events = _log.Read(after, EventsPerCall);
            var left = patience - time.GetElapsedTime(started);
            if (events.Length > 0 || left <= TimeSpan.Zero)
            {
                return events;
            }

            if (_log.Closed)
            {
                await Task.Delay(left < ClosedPatience ? left : ClosedPatience, time);
                return [];
            }

            await _log.WaitAsync(left, time);
        }
    }

    /// <summary>The journal holds what was decided, for good; steps are measurements, and most of all events.</summary>
    private void Keep(RunEvent numbered)
    {
        if (numbered is not StepCompleted)
        {
            _decisions!.Add(numbered);
        }
    }

    private void Measure(RunEvent @event, RunView view)
    {
        if (@event is StepCompleted step)
        {
            IotaInstruments.RecordStep(step, view.Stages, view.TokensPerStep, step.At - _stepBegan);
        }

        // The next step begins where these end; what follows a checkpoint or a settlement was under way already.
        if (@event is RunStarted or StepCompleted or EvaluationCompleted)
        {
            _stepBegan = @event.At;
        }
    }

    /// <summary>One write at a time; what changes meanwhile is written with the timer's next one.</summary>
    private void BeginWriting()
    {
        if (_writing.IsCompleted)
        {
            _writing = WriteReservedAsync();
        }
    }

    private async Task WriteReservedAsync()
    {
        try
        {
            await WriteAsync(ReservedNumbers);
        }
        catch (InconsistentStateException)
        {
            // Another activation writes: it is the one that counts.
            DeactivateOnIdle();
        }
        catch (Exception failure)
        {
            // The timer tries again.
            LogNotWritten(this.GetPrimaryKeyString(), failure.Message);
        }
    }

    private async Task WriteAsync(int reserve)
    {
        _dirty = false;
        state.State.LastNumber = _log.LastNumber + reserve;
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            _dirty = true;
            throw;
        }
    }

    [LoggerMessage(LogLevel.Debug, "The view of {Run} was not written: {Reason}")]
    private partial void LogNotWritten(string run, string reason);
}

/// <summary>What a run view grain stores.</summary>
[GenerateSerializer, Alias("IotaOrleans.RunViewGrainState")]
internal sealed class RunViewGrainState
{
    [Id(0)]
    public RunView? View { get; set; }

    /// <summary>No event has a higher number; numbering continues behind it.</summary>
    [Id(1)]
    public long LastNumber { get; set; }
}
