using System.Text.Json;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>Where a run stood when a checkpoint was taken: all that is needed to go on from it, besides the tensors.</summary>
public sealed record CheckpointDescription
{
    /// <summary>The file's name inside a checkpoint.</summary>
    public const string FileName = "checkpoint.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, NewLine = "\n" };

    /// <summary>The run.</summary>
    public required string Run { get; init; }

    /// <summary>The last step whose weights are in it; which data comes next follows from it and the run's seed.</summary>
    public required long Step { get; init; }

    /// <summary>The reward epoch of that step.</summary>
    public required int Epoch { get; init; }

    /// <summary>Which micro-batches were done, in elastic mode; null when they are all those up to the step.</summary>
    public LedgerPosition? Position { get; init; }

    /// <summary>Loss on the validation split, nats per token, at the last evaluation before it.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>Seconds spent training up to it.</summary>
    public required double Seconds { get; init; }

    /// <summary>When it was taken.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Writes it into a checkpoint's folder.</summary>
    public void Write(string folder) => File.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, Json) + "\n");

    /// <exception cref="IotaException">The file is missing or damaged (<see cref="ExitCode.Model"/>).</exception>
    public static CheckpointDescription Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            return JsonSerializer.Deserialize<CheckpointDescription>(File.ReadAllBytes(path), Json) ?? throw ModelErrors.Create(path, "is empty");
        }
        catch (JsonException broken)
        {
            throw ModelErrors.Create(path, $"is not valid: {broken.Message}", broken);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw ModelErrors.Create(path, $"cannot be read: {failure.Message}", failure);
        }
    }
}
