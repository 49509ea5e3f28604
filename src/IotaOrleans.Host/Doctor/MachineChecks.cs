using IotaOrleans.Host.Progress;

namespace IotaOrleans.Host.Doctor;

/// <summary>How many stages can compute at once?</summary>
internal sealed class ProcessorCheck : IDoctorCheck
{
    public string Name => "processor";

    public Task<Finding> RunAsync(CancellationToken cancellationToken)
    {
        var cores = Environment.ProcessorCount;
        return Task.FromResult(Finding.Good(
            Name, $"{Figures.Plural(cores, "core")}: {(cores == 1 ? "stages take turns" : $"up to {cores} stages compute at the same time")}"));
    }
}

/// <summary>Is there memory for the smallest model and the program around it?</summary>
internal sealed class MemoryCheck : IDoctorCheck
{
    private const long Least = 1L << 30;

    public string Name => "memory";

    public Task<Finding> RunAsync(CancellationToken cancellationToken)
    {
        var memory = GC.GetGCMemoryInfo();
        var free = Math.Max(0, memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes);
        var detail = $"{Figures.Bytes(free)} free of {Figures.Bytes(memory.TotalAvailableMemoryBytes)}";
        return Task.FromResult(free >= Least
            ? Finding.Good(Name, detail)
            : Finding.Bad(Name, detail, $"training needs {Figures.Bytes(Least)}: close other programs, or raise the container's limit"));
    }
}

/// <summary>Is the clock right enough for timestamps and certificates?</summary>
internal sealed class ClockCheck(TimeProvider time) : IDoctorCheck
{
    public string Name => "clock";

    public Task<Finding> RunAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var built = new DateTimeOffset(File.GetLastWriteTimeUtc(typeof(ClockCheck).Assembly.Location));
        var detail = $"{now:yyyy-MM-dd HH:mm:ss} UTC";
        return Task.FromResult(now >= built.AddDays(-1)
            ? Finding.Good(Name, detail)
            : Finding.Bad(Name, $"{detail}, before this program was built", "set the clock, or switch on network time"));
    }
}
