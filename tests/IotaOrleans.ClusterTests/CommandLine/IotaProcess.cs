using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Threading.Channels;

namespace IotaOrleans.ClusterTests.CommandLine;

/// <summary>The real program, as a person would start it.</summary>
internal sealed class IotaProcess : IDisposable
{
    public const int Interrupt = 2;
    public const int Terminate = 15;
    public const int KillNow = 9;
    public const int Pause = 19;

    private static readonly TimeSpan UsualPatience = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly Channel<string> _errorLines = Channel.CreateUnbounded<string>();
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();

    private IotaProcess(Process process) => _process = process;

    public int Id => _process.Id;

    /// <summary>Memory of the program that is in physical memory now.</summary>
    public long ResidentBytes()
    {
        const string Field = "VmRSS:";
        var line = File.ReadLines($"/proc/{Id}/status").Single(line => line.StartsWith(Field, StringComparison.Ordinal));
        return 1024 * long.Parse(line[Field.Length..].Replace("kB", "", StringComparison.Ordinal), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
    }

    /// <summary>Starts the program in a folder, with variables as NAME=value before the arguments.</summary>
    public static IotaProcess Start(string folder, params string[] arguments)
    {
        var variables = arguments.TakeWhile(argument => argument.StartsWith("IOTA_", StringComparison.Ordinal)).ToArray();
        return Start(folder, variables, "dotnet", [Path.Combine(AppContext.BaseDirectory, "iota.dll"), .. arguments.Skip(variables.Length)]);
    }

    /// <summary>
    /// Starts the program on a disk that has no room for large files: writing past the given size fails, as it does on a full disk, until
    /// <see cref="LimitFilesAsync"/> says otherwise.
    /// </summary>
    public static IotaProcess StartWithLittleSpace(string folder, int kilobytes, params string[] arguments) => Start(
        // The runtime maps memory through a file of its own unless told not to; without the trap the kernel ends who writes too much.
        folder, ["DOTNET_EnableWriteXorExecute=0"], "bash", ["-c", $"trap '' XFSZ; ulimit -S -f {kilobytes}; exec dotnet \"$@\"", "iota", Path.Combine(AppContext.BaseDirectory, "iota.dll"), .. arguments]);

    /// <summary>Sets the size that the program's files may have: bytes, or <c>unlimited</c>.</summary>
    public async Task LimitFilesAsync(string size)
    {
        using var prlimit = Process.Start("prlimit", ["--pid", Id.ToString(CultureInfo.InvariantCulture), $"--fsize={size}:"]);
        await prlimit.WaitForExitAsync();
        prlimit.ExitCode.Should().Be(0);
    }

    private static IotaProcess Start(string folder, string[] variables, string command, string[] arguments)
    {
        var start = new ProcessStartInfo(command, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var variable in variables.Select(variable => variable.Split('=', 2)))
        {
            start.Environment[variable[0]] = variable[1];
        }

        var program = new IotaProcess(new Process { StartInfo = start });
        program._process.OutputDataReceived += (_, line) => program.Hear(line.Data);
        program._process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null)
            {
                program._errors.Enqueue(line.Data);
                program._errorLines.Writer.TryWrite(line.Data);
            }
        };
        program._process.Start();
        program._process.BeginOutputReadLine();
        program._process.BeginErrorReadLine();
        return program;
    }

    /// <summary>Runs the program to its end.</summary>
    public static async Task<IotaResult> RunAsync(string folder, params string[] arguments)
    {
        using var program = Start(folder, arguments);
        return await program.EndAsync();
    }

    /// <summary>Runs the program to its end, with variables.</summary>
    public static async Task<IotaResult> RunAsync(string folder, IReadOnlyDictionary<string, string> variables, params string[] arguments)
    {
        using var program = Start(folder, [.. variables.Select(variable => $"{variable.Key}={variable.Value}")], "dotnet", [Path.Combine(AppContext.BaseDirectory, "iota.dll"), .. arguments]);
        return await program.EndAsync();
    }

    public async Task<IotaResult> EndAsync()
    {
        using var limit = new CancellationTokenSource(UsualPatience);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException($"the program did not end; it said: {string.Join('\n', _output)}\n{string.Join('\n', _errors)}");
        }

        return new IotaResult(_process.ExitCode, [.. _output], [.. _errors]);
    }

    /// <summary>Waits for a JSON line with an event of the given name.</summary>
    public async Task<JsonElement> WaitForAsync(string happened, int times = 1, TimeSpan? patience = null)
    {
        using var limit = new CancellationTokenSource(patience ?? UsualPatience);
        while (true)
        {
            var json = await NextAsync([happened], limit.Token);
            if (--times == 0)
            {
                return json;
            }
        }
    }

    /// <summary>Waits for a JSON line with an event of one of the given names.</summary>
    public async Task<JsonElement> WaitForAnyAsync(params string[] happened)
    {
        using var limit = new CancellationTokenSource(UsualPatience);
        return await NextAsync(happened, limit.Token);
    }

    private async Task<JsonElement> NextAsync(string[] happened, CancellationToken cancellationToken)
    {
        await foreach (var line in _lines.Reader.ReadAllAsync(cancellationToken))
        {
            var json = JsonDocument.Parse(line).RootElement;
            if (happened.Contains(json.GetProperty("event").GetString()))
            {
                return json;
            }
        }

        throw new InvalidOperationException($"the program ended without '{string.Join("' or '", happened)}', its last line was {_output.LastOrDefault()}\n{string.Join('\n', _errors)}");
    }

    /// <summary>Waits until the program has said nothing for so long.</summary>
    public async Task QuietAsync(TimeSpan silence)
    {
        while (true)
        {
            using var limit = new CancellationTokenSource(silence);
            try
            {
                await _lines.Reader.ReadAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Waits for a line on the error stream.</summary>
    public async Task<string> WaitForErrorAsync(string beginning)
    {
        using var limit = new CancellationTokenSource(UsualPatience);
        await foreach (var line in _errorLines.Reader.ReadAllAsync(limit.Token))
        {
            if (line.StartsWith(beginning, StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw new InvalidOperationException($"the program ended without '{beginning}': {string.Join('\n', _errors)}");
    }

    public void Signal(int signal) => SendSignal(Id, signal).Should().Be(0, "the program should still run");

    public static void Signal(int process, int signal) => SendSignal(process, signal).Should().Be(0, "the process should still run");

    /// <summary>Kills the program, and all that it started if so asked, as a machine does that loses its power.</summary>
    public void Kill(bool withChildren)
    {
        _process.Kill(entireProcessTree: withChildren);
        _process.WaitForExit();
    }

    /// <summary>Processes that this one started and that run.</summary>
    public int[] Children() => [.. Process.GetProcesses().Where(process => ParentOf(process.Id) == Id).Select(process => process.Id)];

    /// <summary>Whether a process runs; one that ended and that nobody has asked about does not.</summary>
    public static bool IsRunning(int process) => StatOf(process) is { } stat && stat[0] is not ("Z" or "X");

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private void Hear(string? line)
    {
        if (line is null)
        {
            _lines.Writer.TryComplete();
            return;
        }

        _output.Enqueue(line);
        _lines.Writer.TryWrite(line);
    }

    private static int? ParentOf(int process) => StatOf(process) is { } stat ? int.Parse(stat[1], System.Globalization.CultureInfo.InvariantCulture) : null;

    /// <summary>The fields of /proc/ID/stat after the name, which may hold anything.</summary>
    private static string[]? StatOf(int process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int process, int signal);
}

/// <summary>How the program ended.</summary>
internal sealed record IotaResult(int ExitCode, IReadOnlyList<string> Output, IReadOnlyList<string> Errors)
{
    public string Text => string.Join('\n', Output);

    public JsonElement[] Events() => [.. Output.Select(line => JsonDocument.Parse(line).RootElement)];

    public override string ToString() => $"exit {ExitCode}\n{Text}\n{string.Join('\n', Errors)}";
}
