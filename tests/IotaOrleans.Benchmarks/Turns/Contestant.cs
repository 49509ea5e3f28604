namespace IotaOrleans.Benchmarks.Turns;

/// <summary>One side of a comparison: one or more programs that run at the same time, and what they do together.</summary>
/// <param name="name">What it is called.</param>
/// <param name="steadyAfter">What each of its programs has done before it works as it will go on to.</param>
internal sealed class Contestant(string name, double steadyAfter = 0) : IAsyncDisposable
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(3), Poll = TimeSpan.FromMilliseconds(50);

    private readonly List<(PausableProgram Program, SlicedProgress Progress)> _programs = [];

    public string Name => name;

    /// <summary>What it did per second in each round but the first, which is not counted.</summary>
    public IReadOnlyList<double> Rates(int rounds) => [.. Enumerable.Range(1, rounds).Select(round => _programs.Sum(it => it.Progress.Rate(SliceOf(round))))];

    /// <summary>Starts one more program of this side. <paramref name="read"/> takes from a line when what was done.</summary>
    public Contestant With(string assembly, IEnumerable<string> arguments, Func<string, (DateTimeOffset At, double Done)?> read)
    {
        var progress = new SlicedProgress();
        var program = new PausableProgram(assembly, arguments, line =>
        {
            if (read(line) is { } mark)
            {
                progress.Mark(mark.At, mark.Done);
            }
        });
        _programs.Add((program, progress));
        return this;
    }

    /// <summary>Lets it run until each program has done something, then for <paramref name="time"/>, and until it works steadily.</summary>
    public async Task WarmUpAsync(TimeSpan time)
    {
        var begin = DateTimeOffset.UtcNow;
        await AdvanceAsync(beyond: begin);
        await Task.Delay(time);
        while (!_programs.TrueForAll(it => it.Progress.HasDone(steadyAfter)))
        {
            await AdvanceAsync(beyond: DateTimeOffset.UtcNow);
        }

        Stop(begin);
    }

    /// <summary>Lets it get going again for <paramref name="runUp"/> and run for <paramref name="time"/>, and stops it.</summary>
    public async Task RunAsync(TimeSpan runUp, TimeSpan time)
    {
        var begin = Resume();
        await Task.Delay(runUp);
        var going = DateTimeOffset.UtcNow;
        Note(begin, going);
        await Task.Delay(time);
        Stop(going);
        foreach (var (program, _) in _programs)
        {
            await program.ThrowIfEndedAsync();
        }
    }

    /// <summary>Lets it run until it is known how far it was at the end of its last slice.</summary>
    public async Task FinishAsync()
    {
        var begin = Resume();
        await AdvanceAsync(beyond: begin);
        Stop(begin);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (program, _) in _programs)
        {
            await program.DisposeAsync();
        }
    }

    private DateTimeOffset Resume()
    {
        var begin = DateTimeOffset.UtcNow;
        _programs.ForEach(it => it.Program.Resume());
        return begin;
    }

    private void Stop(DateTimeOffset begin)
    {
        _programs.ForEach(it => it.Program.Pause());
        Note(begin, DateTimeOffset.UtcNow);
    }

    private void Note(DateTimeOffset begin, DateTimeOffset end) => _programs.ForEach(it => it.Progress.Ran(begin, end));

    // It warms up in the first slice; then each round has two, and the first of them is the run-up.
    private static int SliceOf(int round) => 2 * (round + 1);

    private async Task AdvanceAsync(DateTimeOffset beyond)
    {
        var deadline = DateTimeOffset.UtcNow + LongestWait;
        foreach (var (program, progress) in _programs)
        {
            while (!progress.WentOnAfter(beyond))
            {
                await program.ThrowIfEndedAsync();
                if (DateTimeOffset.UtcNow > deadline)
                {
                    throw new TimeoutException($"{name} has done nothing for {LongestWait.TotalMinutes:0} minutes");
                }

                await Task.Delay(Poll);
            }
        }
    }
}
