using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using IotaOrleans.Host.CommandLine;

namespace IotaOrleans.Benchmarks.Measuring;

/// <summary>
/// A process that runs the program <c>iota</c> again and again, so that the runtime compiles it once: a short run is over before that is
/// done, and some benchmarks are hundreds of short runs.
/// </summary>
internal sealed class WarmProgram : IAsyncDisposable
{
    private const string Name = "warm-program";
    private const string Ended = "ended ";

    private readonly Process _process = ChildProgram.Start("IotaOrleans.Benchmarks.dll", Name);
    private readonly Task<string> _errors;

    public WarmProgram() => _errors = _process.StandardError.ReadToEndAsync();

    /// <summary>The other end: command lines come in as JSON, one a line.</summary>
    public static Command Command()
    {
        var command = new Command(Name, "Runs the program with each command line that it reads. Started by benchmarks of many short runs.") { Hidden = true };
        command.SetAction(async (_, cancellation) =>
        {
            while (await Console.In.ReadLineAsync(cancellation) is { } line)
            {
                var code = await IotaProgram.RunAsync(JsonSerializer.Deserialize<string[]>(line)!);
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Ended}{code}"));
            }
        });
        return command;
    }

    /// <summary>Runs the program once and returns what it printed.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public async Task<IReadOnlyList<string>> RunAsync(IEnumerable<string> arguments)
    {
        var command = JsonSerializer.Serialize(arguments.ToArray());
        await _process.StandardInput.WriteLineAsync(command);
        await _process.StandardInput.FlushAsync();
        var lines = new List<string>();
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith(Ended, StringComparison.Ordinal))
            {
                lines.Add(line);
                continue;
            }

            return line == $"{Ended}0" ? lines : throw new InvalidOperationException($"iota {command} {line}: {await EndAsync()}");
        }

        throw new InvalidOperationException($"iota {command} took its process with it: {await EndAsync()}");
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _process.Dispose();
    }

    private async Task<string> EndAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        return await _errors;
    }
}
