using System.Text.Json;
using IotaOrleans.Host.Progress;
using IotaOrleans.Host.Runs;
using IotaOrleans.Host.Web;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Host.Status;

/// <summary>Where a run stands, for those who do not ask its cluster: <c>status.json</c> in its folder.</summary>
internal sealed record RunStatus
{
    private const string FileName = "status.json";

    public required string Run { get; init; }

    /// <summary>What it is doing, or was when its process ended.</summary>
    public required RunPhase Phase { get; init; }

    /// <summary>The process that runs it, or null when none does.</summary>
    public int? Process { get; init; }

    public long Step { get; init; }

    public long Steps { get; init; }

    public double? Loss { get; init; }

    public double? ValidationLoss { get; init; }

    public double TokensPerSecond { get; init; }

    public string? Checkpoint { get; init; }

    public string? Page { get; init; }

    public string? Failure { get; init; }

    /// <summary>What is wrong though the run goes on, in one line.</summary>
    public string? Warning { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>What its stages wait for; asked of a run in elastic mode that is training, and never stored.</summary>
    public IReadOnlyList<StageStanding>? Stages { get; init; }

    public void Write(RunFolder folder) => AtomicFile.WriteAllText(PathIn(folder), JsonSerializer.Serialize(this, RunEventJson.Options) + "\n");

    /// <summary>The status of a run; a run whose process died is not shown as running.</summary>
    public static RunStatus Read(RunFolder folder)
    {
        var status = Stored(folder) ?? new RunStatus { Run = folder.Name, Phase = RunPhase.Created };
        return folder.IsLocked() ? status : status with { Process = null, Page = null, Warning = null };
    }

    /// <summary>Whether the phase says that it works although no process does.</summary>
    public bool IsAbandoned => Process is null && Phase is RunPhase.Preparing or RunPhase.Training or RunPhase.Stopping;

    private static string PathIn(RunFolder folder) => Path.Combine(folder.FullPath, FileName);

    private static RunStatus? Stored(RunFolder folder)
    {
        try
        {
            return JsonSerializer.Deserialize<RunStatus>(File.ReadAllText(PathIn(folder)), RunEventJson.Options);
        }
        catch (Exception failure) when (failure is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
