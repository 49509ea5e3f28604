using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>How much is printed, and in which form.</summary>
internal sealed class OutputSettings : ISettings
{
    public Flag Json { get; } = new(SettingGroups.Output, "--json", "Print one JSON object per line instead of text; messages go to standard error");

    public Flag Quiet { get; } = new(SettingGroups.Output, "--quiet", "Print the result only");

    public Flag Verbose { get; } = new(SettingGroups.Output, "--verbose", "Print the log, and details of unexpected errors");

    public Setting<int?> LogInterval { get; } = new(
        SettingGroups.Output, "--log-interval", "Steps between lines when the output is not a terminal", Values.Whole(1, int.MaxValue).OrNone(), null,
        "a twentieth of the steps");

    public Setting<string?> SamplePrompt { get; } = new(
        SettingGroups.Output, "--sample-prompt", "Beginning of the text that the trained model continues at the end", Values.Text("TEXT"), "The ");

    public Setting<int> SampleTokens { get; } = new(
        SettingGroups.Output, "--sample-tokens", "Length of that text in tokens; 0 writes none", Values.Whole(0, 100_000), 200);

    public IEnumerable<Option> All => [SamplePrompt, SampleTokens, LogInterval, Json, Quiet, Verbose];
}
