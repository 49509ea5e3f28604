using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using IotaOrleans.Benchmarks.Measuring;

namespace IotaOrleans.Benchmarks.Kills;

/// <summary>A session of <c>iota train</c> with miner silos of its own, followed by its lines and ended by force.</summary>
internal sealed class KilledProgram : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<string> _lines = [];
    private readonly Task<string> _errors;

    private KilledProgram(Process process) => (_process, _errors) = (process, process.StandardError.ReadToEndAsync());

    /// <summary>The last step that was seen.</summary>
    public long Step { get; private set; }

    public static KilledProgram Start(params IEnumerable<string> arguments) => new(ChildProgram.Start("iota.dll", arguments));

    /// <summary>Waits for a step, and returns the seconds since the start.</summary>
    public async Task<double> FirstStepAsync()
    {
        await NextStepAsync();
        return _clock.Elapsed.TotalSeconds;
    }

    /// <summary>Waits for a step that is right, at least so many from now.</summary>
    public async Task WaitForAsync(Func<long, bool> isRight, int least)
    {
        for (var seen = 1; ; seen++)
        {
            await NextStepAsync();
            if (seen >= least && isRight(Step))
            {
                return;
            }
        }
    }

    /// <summary>Kills the process and all that it started, as a machine that loses its power does.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    /// <summary>Kills one of the miners' silos, and returns the seconds until a step was taken without it or with its successor.</summary>
    public async Task<double> KillMinerAsync(Random random)
    {
        var children = Process.GetProcesses().Where(process => ParentOf(process.Id) == _process.Id).OrderBy(process => process.Id).ToArray();
        var clock = Stopwatch.StartNew();
        var before = Step;
        children[random.Next(children.Length)].Kill();
        // Steps that were under way come through all the same: one that was begun afterwards counts.
        for (var begun = DateTimeOffset.UtcNow; ;)
        {
            var at = await NextStepAsync();
            if (at > begun.AddSeconds(1) || (at > begun && Step <= before))
            {
                return clock.Elapsed.TotalSeconds;
            }
        }
    }

    /// <summary>Reads to the end.</summary>
    public async Task<IReadOnlyList<string>> EndAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            _lines.Add(line);
        }

        await _process.WaitForExitAsync();
        return _process.ExitCode == 0 ? _lines : throw new InvalidOperationException($"the run ended with {_process.ExitCode}: {await _errors}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private async Task<DateTimeOffset> NextStepAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        while (await _process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            _lines.Add(line);
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.GetProperty("event").GetString() == "step")
            {
                Step = document.RootElement.GetProperty("step").GetInt64();
                return document.RootElement.GetProperty("at").GetDateTimeOffset();
            }
        }

        throw new InvalidOperationException($"the run ended at step {Step}: {await _errors}");
    }

    private static int? ParentOf(int process)
    {
        try
        {
            // After the name, which may hold anything: the state, then the parent.
            var text = File.ReadAllText($"/proc/{process}/stat");
            return int.Parse(text[(text.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
