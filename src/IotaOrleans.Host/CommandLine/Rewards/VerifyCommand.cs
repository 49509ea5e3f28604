using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using IotaOrleans.Grains.Validation;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Progress;
using IotaOrleans.Training.Lanes;

namespace IotaOrleans.Host.CommandLine.Rewards;

/// <summary><c>iota verify</c>: makes a check again, without the cluster in which it was made.</summary>
internal sealed class VerifyCommand : IotaCommand
{
    private const int KeyDigits = 16;

    private readonly Argument<string[]> _bundles = new("bundle") { Description = "Files from the folder 'checks' of a run", Arity = ArgumentArity.OneOrMore };
    private readonly JsonSettings _output = new();

    public VerifyCommand()
        : base("verify", "Makes checks again from their bundles: signatures, hashes, and every pass bit for bit.")
    {
        Arguments.Add(_bundles);
        Use(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
        [("iota verify runs/NAME/checks/*.zip", "Whether those who were found to be wrong were wrong; exit code 1 if any was")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var passed = true;
        foreach (var file in parsed.GetRequiredValue(_bundles))
        {
            var bundle = SegmentBundle.Read(file);
            var verdict = await Task.Run(bundle.Verify, cancellationToken);
            passed &= verdict.Outcome == AuditOutcome.Passed;
            var key = bundle.Segment.Seal is { } seal ? Convert.ToHexStringLower(SHA256.HashData(seal.PublicKey.AsSpan()))[..KeyDigits] : "nobody";
            await Console.Out.WriteLineAsync(_output.Json.Of(parsed)
                ? JsonSerializer.Serialize(new { File = file, Verdict = verdict, Then = bundle.Verdict, Key = key, bundle.Hardware, SameHardware = bundle.Hardware == HardwareClass.Own }, RunEventJson.Options)
                : Lines(file, bundle, verdict, key));
        }

        return (int)(passed ? ExitCode.Success : ExitCode.Failed);
    }

    private static string Lines(string file, SegmentBundle bundle, AuditVerdict verdict, string key)
    {
        var shard = verdict.Shard;
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{Path.GetFileName(file)}: {Word(verdict.Outcome)}: segment {verdict.Segment} of {shard.Miner}, stage {shard.Stage} of run {shard.Run}, signed by {key}: {verdict.Finding} ({Figures.Plural(verdict.Passes, "pass", "passes")} in {verdict.Duration.TotalMilliseconds:0} ms; then: {Word(bundle.Verdict.Outcome)})");
        return bundle.Hardware == HardwareClass.Own ? text : $"{text}\n  the check was made on another kind of processor or with another version ({bundle.Hardware}) than this one ({HardwareClass.Own}): a difference here need not be one there";
    }

    private static string Word(AuditOutcome outcome) => outcome switch
    {
        AuditOutcome.Passed => "right",
        AuditOutcome.Wrong => "wrong",
        _ => outcome.ToString().ToLowerInvariant(),
    };
}
