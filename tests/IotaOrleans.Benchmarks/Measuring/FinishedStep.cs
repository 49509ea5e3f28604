using System.Text.Json;

namespace IotaOrleans.Benchmarks.Measuring;

/// <summary>A line of <c>iota train --json</c> that says that a step is done.</summary>
/// <param name="Step">Its number.</param>
/// <param name="At">When it was done.</param>
/// <param name="Bubble">Share of it in which the miners idled.</param>
/// <param name="ScheduledBubble">The share that the schedule's formula gives for passes as long as they were.</param>
internal sealed record FinishedStep(long Step, DateTimeOffset At, double Bubble, double ScheduledBubble)
{
    /// <summary>What a line says, or null when it says something else.</summary>
    public static FinishedStep? Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        var said = document.RootElement;
        return said.GetProperty("event").GetString() == "step"
            ? new FinishedStep(
                said.GetProperty("step").GetInt64(),
                said.GetProperty("at").GetDateTimeOffset(),
                said.GetProperty("bubble").GetDouble(),
                said.GetProperty("scheduledBubble").GetDouble())
            : null;
    }
}
