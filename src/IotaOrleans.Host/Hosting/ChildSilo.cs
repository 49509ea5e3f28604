using System.Diagnostics;
using System.Globalization;

namespace IotaOrleans.Host.Hosting;

/// <summary>A miner silo as a process of its own. It leaves when its standard input closes, so it cannot outlive this process.</summary>
internal sealed class ChildSilo : IDisposable
{
    /// <summary>Ties the process to the one that started it.</summary>
    public const string LeaveWithInputOption = "--leave-with-input";

    /// <summary>Says what the cluster's list of members calls the process.</summary>
    public const string SiloNameOption = "--silo-name";

    private const int LinesKept = 5;
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(3);

    private readonly Process _process;
    private readonly Queue<string> _lastLines = new();
    private bool _stopping;
    private bool _hung;

    private ChildSilo(Process process, string name, string memberName, IReadOnlyList<string> miners)
    {
        _process = process;
        Name = name;
        MemberName = memberName;
        Miners = miners;
    }

    public string Name { get; }

    /// <summary>What the cluster's list of members calls this process, and no other one.</summary>
    public string MemberName { get; }

    public IReadOnlyList<string> Miners { get; }

    public int ProcessId => _process.Id;

    public static ChildSilo Start(string name, IReadOnlyList<string> miners, SiloEndpoints control, Action<string> log)
    {
        var memberName = Guid.NewGuid().ToString("N");
        string[] arguments =
        [
            HostDefaults.JoinCommand, "--cluster-id", control.ClusterId, "--miner", string.Join(',', miners),
            "--lanes", ControlHost.Lanes(miners.Count).ToString(CultureInfo.InvariantCulture), HostDefaults.TransportOption, control.Transport.ToString(), LeaveWithInputOption, SiloNameOption, memberName,
            .. control.Store is null ? ["--cluster", $"{control.Address}:{control.SiloPort}"] : Array.Empty<string>(),
        ];
        var start = OwnProgram.StartInfo(arguments);
        if (control.Store is { } store)
        {
            // Other users of the machine see a process's arguments, and not its variables.
            start.Environment[HostDefaults.StoreVariable] = store.Url;
            start.Environment.Remove(HostDefaults.ClusterVariable);
        }
        else
        {
            start.Environment.Remove(HostDefaults.StoreVariable);
        }

        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        var child = new ChildSilo(process, name, memberName, miners);
        process.ErrorDataReceived += (_, line) => child.Hear(line.Data, log, isError: true);
        process.OutputDataReceived += (_, line) => child.Hear(line.Data, log, isError: false);
        process.Start();
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return child;
    }

    /// <summary>Whether the process is over.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>How the process ended, and what it said last.</summary>
    public string LastWords
    {
        get
        {
            lock (_lastLines)
            {
                var ended = _hung ? "did not answer any longer and was ended" : $"ended with exit code {_process.ExitCode}";
                var said = _lastLines.Count == 0 ? "" : ": " + string.Join(" / ", _lastLines);
                return $"{Name} ({string.Join(", ", Miners)}) {ended}{said}";
            }
        }
    }

    /// <summary>Completes when the process ends without having been told to.</summary>
    public async Task<ChildSilo> LostAsync()
    {
        await _process.WaitForExitAsync();
        if (Volatile.Read(ref _stopping))
        {
            await Task.Delay(Timeout.Infinite);
        }

        return this;
    }

    /// <summary>Asks the process to leave, and ends it when it does not.</summary>
    public async Task StopAsync()
    {
        Volatile.Write(ref _stopping, true);
        try
        {
            await _process.StandardInput.WriteLineAsync("leave");
            _process.StandardInput.Close();
            await _process.WaitForExitAsync().WaitAsync(StopPatience);
        }
        catch (Exception failure) when (failure is TimeoutException or IOException)
        {
            Kill();
        }
    }

    /// <summary>Ends the process at once.</summary>
    public void Kill()
    {
        Volatile.Write(ref _stopping, true);
        End();
    }

    /// <summary>Ends a process that answers nobody. It counts as lost.</summary>
    public void EndHanging()
    {
        if (!Volatile.Read(ref _stopping) && !HasEnded)
        {
            Volatile.Write(ref _hung, true);
            End();
        }
    }

    public void Dispose() => _process.Dispose();

    private void End()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has already ended.
        }
    }

    private void Hear(string? line, Action<string> log, bool isError)
    {
        if (string.IsNullOrWhiteSpace(line))
        {
            return;
        }

        log($"{Name}: {line}");
        if (!isError)
        {
            return;
        }

        lock (_lastLines)
        {
            _lastLines.Enqueue(line.Trim());
            if (_lastLines.Count > LinesKept)
            {
                _lastLines.Dequeue();
            }
        }
    }
}
