using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using IotaOrleans.Benchmarks.Measuring;

namespace IotaOrleans.Benchmarks.Turns;

/// <summary>A program of this build, with the processes that it starts, that can be stopped and let go on.</summary>
internal sealed class PausableProgram : IAsyncDisposable
{
    // Linux, on x86 and ARM.
    private const int SigKill = 9, SigCont = 18, SigStop = 19;

    private readonly Process _process;
    private readonly Task _reading;
    private readonly Task<string> _errors;
    private readonly string _name;

    /// <summary>Starts it; each line that it prints goes to <paramref name="read"/>.</summary>
    public PausableProgram(string assembly, IEnumerable<string> arguments, Action<string> read)
    {
        string[] all = [.. arguments];
        _name = $"{assembly} {string.Join(' ', all)}";
        _process = ChildProgram.Start(assembly, all);
        _errors = _process.StandardError.ReadToEndAsync();
        _reading = ReadAsync(read);
    }

    /// <summary>Stops it and all its processes; they lose nothing but time.</summary>
    public void Pause() => Signal(SigStop);

    public void Resume() => Signal(SigCont);

    /// <exception cref="InvalidOperationException">It has ended.</exception>
    public async Task ThrowIfEndedAsync()
    {
        if (_process.HasExited)
        {
            throw new InvalidOperationException($"{_name} ended with {_process.ExitCode}: {await _errors}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        Signal(SigKill);
        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }

    private async Task ReadAsync(Action<string> read)
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            read(line);
        }
    }

    private void Signal(int signal)
    {
        var parents = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0)
            .Select(id => (Id: id, Parent: Parent(id)))
            .ToLookup(process => process.Parent, process => process.Id);
        SignalTree(_process.Id, parents, signal);
    }

    private static void SignalTree(int id, ILookup<int, int> parents, int signal)
    {
        // Fails only for a process that has ended since.
        _ = Kill(id, signal);
        foreach (var child in parents[id])
        {
            SignalTree(child, parents, signal);
        }
    }

    private static int Parent(int id)
    {
        try
        {
            // The name of the program stands in brackets and may hold anything.
            var status = File.ReadAllText($"/proc/{id}/stat");
            return int.Parse(status[(status.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
