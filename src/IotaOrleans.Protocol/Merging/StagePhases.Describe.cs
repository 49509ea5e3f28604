using System.Globalization;

namespace IotaOrleans.Protocol.Merging;

public static partial class StagePhases
{
    private const int NamesShown = 3;

    /// <summary>One line that says what the phase waits for and until when, such as <c>round 7, uploading: 2 of 3 there, waits for bob until 12:30:05 UTC (40 s)</c>.</summary>
    public static string Describe(StagePhaseState state, DateTimeOffset now)
    {
        StageMember[] expected = [.. Expected(state)];
        var late = expected.Where(member => !HasArrived(state, member)).Select(member => member.Miner).ToArray();
        var until = string.Create(
            CultureInfo.InvariantCulture,
            $"until {state.Deadline.UtcDateTime:HH:mm:ss} UTC ({Math.Max(0, Math.Ceiling((state.Deadline - now).TotalSeconds)):0} s)");
        var what = state.Phase switch
        {
            StagePhase.Training when expected.Length == 0 => "training: waits for a miner to join",
            StagePhase.Training => $"training: {expected.Length - late.Length} of {expected.Length} did enough, waits for {Names(late)} {until}",
            StagePhase.Uploading => $"uploading: {expected.Length - late.Length} of {expected.Length} there, waits for {Names(late)} {until}",
            _ when state.IsClosing => $"merging: told to close, waits for its outcome {until}, then everybody returns to the last version",
            _ when state.IsReducing => $"merging: the owners reduce, waits for agreement {until}, then it is told to close",
            _ => $"merging: waits for the owners to begin {until}, then it is told to close",
        };
        return string.Create(CultureInfo.InvariantCulture, $"round {state.Round}, {what}");
    }

    private static string Names(string[] late) => late.Length switch
    {
        0 => "nobody",
        <= NamesShown => string.Join(", ", late),
        _ => $"{string.Join(", ", late.Take(NamesShown))} and {late.Length - NamesShown} more",
    };
}
