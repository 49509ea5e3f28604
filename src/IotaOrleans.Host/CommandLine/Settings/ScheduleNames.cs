namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>The schedules as the command line names them.</summary>
internal static class ScheduleNames
{
    private static readonly (string Word, ScheduleKind Value)[] Choices =
    [
        ("gpipe", ScheduleKind.GPipe),
        ("1f1b", ScheduleKind.OneForwardOneBackward),
        ("interleaved", ScheduleKind.Interleaved),
        ("zb-h1", ScheduleKind.ZeroBubble),
        ("zb-h2", ScheduleKind.ZeroBubbleAhead),
        ("zb-2p", ScheduleKind.ZeroBubbleDouble),
    ];

    public static ValueParser<ScheduleKind> Parser { get; } = Values.OneOf(Choices);

    public static string Name(ScheduleKind kind) => Choices.First(choice => choice.Value == kind).Word;
}
