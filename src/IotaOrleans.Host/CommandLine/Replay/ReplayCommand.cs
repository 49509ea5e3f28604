using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using IotaOrleans.Host.CommandLine.Rewards;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Storage;
using IotaOrleans.Protocol.Replay;

namespace IotaOrleans.Host.CommandLine.Replay;

/// <summary><c>iota replay</c>: rebuilds what the control side remembers from the journal alone, and compares it with what is stored.</summary>
internal sealed class ReplayCommand : IotaCommand
{
    private readonly Argument<string?> _run = new("run") { Description = "The run; without it, the one that was written to last", Arity = ArgumentArity.ZeroOrOne };
    private readonly Setting<long?> _to = new(SettingGroups.Run, "--to", "Rebuild it as it was at this step, and compare it with the checkpoint of then", Values.Whole(0L, long.MaxValue, "STEP").OrNone(), null, "as it is now");
    private readonly Setting<string?> _runs = RunSettings.RunsFolder();
    private readonly Setting<StoreAddress?> _store = RunSettings.StoreOf("The PostgreSQL database of the run's cluster", "the run's own file");
    private readonly JsonSettings _output = new();

    public ReplayCommand()
        : base("replay", "Rebuilds a run's control state from the journal of its decisions and compares it with the stored one, bit for bit; exit code 1 when they differ.")
    {
        Arguments.Add(_run);
        Options.Add(_to);
        Options.Add(_runs);
        Options.Add(_store);
        Use(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
    [
        ("iota replay brisk-otter", "Whether its journal explains what its grains have stored"),
        ("iota replay brisk-otter --to 500", "What it would have gone on from after step 500"),
    ];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var books = await RunLedger.OpenAsync(_runs.Of(parsed)!, parsed.GetValue(_run), _store.Of(parsed), cancellationToken);
        // What is being written cannot be compared.
        using var reserved = books.Folder?.Lock();
        var events = await books.Journal.ReadAsync(books.Run, cancellationToken);
        var to = _to.Of(parsed);
        RunEvent[] replayed = [.. to is { } step ? ControlReplay.UpTo(events, step) : events];
        if (replayed.Length == 0)
        {
            throw new IotaException(ExitCode.RunState, $"run {books.Run} has no journal{(to is null ? "" : $" up to step {Figures.Count(to.Value)}")}: nothing was decided in it");
        }

        var rebuilt = replayed.Aggregate(new ControlState(), ControlReplay.Apply);
        var stored = new StoredControl(books, _store.Of(parsed));
        var parts = to is null ? await stored.NowAsync(rebuilt, cancellationToken) : await stored.ThenAsync(rebuilt, cancellationToken);
        var digest = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(rebuilt, RunEventJson.Options)));
        var differ = parts.Where(part => part.Differs).ToArray();
        if (_output.Json.Of(parsed))
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(
                new { books.Run, Events = replayed.Length, replayed[^1].Step, Sha256 = digest, State = rebuilt, Compared = parts.Count(part => part.Stored is not null), Differences = differ.Select(part => part.Sentence) }, RunEventJson.Options));
        }
        else
        {
            await Console.Out.WriteLineAsync($"run {books.Run}: {Figures.Plural(replayed.Length, "event")}, to step {Figures.Count(replayed[^1].Step)}");
            foreach (var part in parts)
            {
                await Console.Out.WriteLineAsync($"  {part.Sentence}");
            }

            await Console.Out.WriteLineAsync($"  state   sha256 {digest}");
            await Console.Out.WriteLineAsync(differ.Length == 0 ? "the journal explains what is stored" : $"{Figures.Plural(differ.Length, "part")} of what is stored {(differ.Length == 1 ? "does" : "do")} not follow from the journal");
        }

        return (int)(differ.Length == 0 ? ExitCode.Success : ExitCode.Failed);
    }
}
