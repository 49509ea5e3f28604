namespace IotaOrleans.Training.Checkpoints;

/// <summary>Builds the one-line failures of model files.</summary>
internal static class ModelErrors
{
    private const int LongestMessage = 500;

    /// <summary>A failure of kind <see cref="ExitCode.Model"/>: <c>path: what</c>.</summary>
    public static IotaException Create(string path, string what, Exception? innerException = null) =>
        new(ExitCode.Model, OneLine($"{path}: {what}"), innerException);

    /// <summary>A shape as it is printed in messages: <c>[128, 342]</c>.</summary>
    public static string Format(IReadOnlyList<long> shape) => $"[{string.Join(", ", shape)}]";

    // Names come out of files that anyone may have written: they must not break or flood the reader's terminal.
    private static string OneLine(string message)
    {
        string line = string.Concat(message.Select(character => char.IsControl(character) ? '?' : character));
        return line.Length <= LongestMessage ? line : string.Concat(line.AsSpan(0, LongestMessage), "…");
    }
}
