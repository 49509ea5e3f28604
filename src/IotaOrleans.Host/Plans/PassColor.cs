using IotaOrleans.Protocol.Schedules;

namespace IotaOrleans.Host.Plans;

/// <summary>
/// The colours of passes, the same in a terminal and in a picture: blue forward, green backward, amber for weight gradients; later
/// chunks are lighter, and every second micro-batch is a shade darker, so that neighbours stay apart.
/// </summary>
internal readonly record struct PassColor(byte Red, byte Green, byte Blue)
{
    private const double Lightest = 0.5;
    private const double Shade = 0.14;

    private static readonly PassColor Black = new(0, 0, 0);
    private static readonly PassColor White = new(255, 255, 255);

    public static PassColor Forward { get; } = new(0x3F, 0x7C, 0xE8);

    public static PassColor Backward { get; } = new(0x1F, 0x9D, 0x72);

    public static PassColor Weights { get; } = new(0xF2, 0xA9, 0x3B);

    /// <summary>Black or white, whichever is easier to read on this colour.</summary>
    public PassColor Ink => (0.299 * Red) + (0.587 * Green) + (0.114 * Blue) > 145 ? new PassColor(0x14, 0x1B, 0x2B) : White;

    public string Hex => $"#{Red:x2}{Green:x2}{Blue:x2}";

    public static PassColor Of(StageOp op, int chunks)
    {
        var color = op.MicroBatch % 2 == 1 ? Of(op.Kind).Mix(Black, Shade) : Of(op.Kind);
        return color.Mix(White, chunks > 1 ? Lightest * op.Chunk / (chunks - 1) : 0);
    }

    public static PassColor Of(StageOpKind kind) => kind switch
    {
        StageOpKind.Forward => Forward,
        StageOpKind.BackwardWeights => Weights,
        _ => Backward,
    };

    private PassColor Mix(PassColor other, double share)
    {
        byte Channel(byte from, byte to) => (byte)Math.Round(from + ((to - from) * share));
        return new PassColor(Channel(Red, other.Red), Channel(Green, other.Green), Channel(Blue, other.Blue));
    }
}
