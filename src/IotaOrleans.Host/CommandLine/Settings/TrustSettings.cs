using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>How work is checked, and who cheats in a rehearsal.</summary>
internal sealed class TrustSettings : ISettings
{
    private static readonly ImmutableArray<(string Word, AdversaryKind Kind)> Kinds =
    [
        ("free-rider", AdversaryKind.FreeRider), ("echo", AdversaryKind.Echo), ("stale-output", AdversaryKind.StaleOutput), ("noisy-gradient", AdversaryKind.NoisyGradient),
        ("scaled-gradient", AdversaryKind.ScaledGradient), ("sign-flip", AdversaryKind.SignFlip), ("lying-tail", AdversaryKind.LyingTail),
        ("corrupt-reducer", AdversaryKind.CorruptReducer), ("rare-cheat", AdversaryKind.RareCheat), ("unobserved", AdversaryKind.Unobserved),
        ("copycat", AdversaryKind.Copycat), ("slow-walker", AdversaryKind.SlowWalker), ("false-receipts", AdversaryKind.FalseReceipts),
        ("colluding-pair", AdversaryKind.ColludingPair), ("sybil", AdversaryKind.Sybil), ("no-number", AdversaryKind.NoNumber),
    ];

    public Setting<double> ValidationRate { get; } = new(
        SettingGroups.Trust, "--validation-rate", "Elastic mode: part of the work that is done again and compared; newcomers are checked five times as often, suspects always",
        Values.Number(0, 1), 0.01);

    public Setting<int> QuarantineEpochs { get; } = new(
        SettingGroups.Trust, "--quarantine-epochs", "Elastic mode: reward epochs for which a miner is paid nothing that was found to be wrong", Values.Whole(1, 1_000_000), 10);

    public Flag KeepChecks { get; } = new(
        SettingGroups.Trust, "--keep-checks", "Elastic mode: keep a bundle for 'iota verify' of every check in the run's folder, not only of those that found something wrong");

    public Setting<IReadOnlyList<AdversaryCount>?> Adversaries { get; } = new(
        SettingGroups.Trust, "--adversary", $"Elastic mode: let miners cheat on purpose and see what comes of it; one of {string.Join(", ", Kinds.Select(kind => kind.Word))}, several with commas",
        new ValueParser<IReadOnlyList<AdversaryCount>?>("KIND:COUNT", "KIND:COUNT, several with commas, as in free-rider:2", TryParse, Format), null, "nobody cheats");

    public IEnumerable<Option> All => [ValidationRate, QuarantineEpochs, KeepChecks, Adversaries];

    private static bool TryParse(string text, out IReadOnlyList<AdversaryCount>? value)
    {
        var counts = new List<AdversaryCount>();
        value = counts;
        foreach (var part in text.Split(','))
        {
            var pieces = part.Split(':');
            var kind = Kinds.FirstOrDefault(kind => kind.Word == pieces[0]);
            var count = 1;
            if (kind.Word is null || pieces.Length > 2 || (pieces.Length == 2 && !int.TryParse(pieces[1], NumberStyles.None, CultureInfo.InvariantCulture, out count)) || count < 1)
            {
                return false;
            }

            counts.Add(new AdversaryCount(kind.Kind, count));
        }

        return true;
    }

    private static string? Format(IReadOnlyList<AdversaryCount>? value) => value is null
        ? null
        : string.Join(',', value.Select(entry => string.Create(CultureInfo.InvariantCulture, $"{Kinds.First(kind => kind.Kind == entry.Kind).Word}:{entry.Count}")));
}

/// <summary>So many miners that cheat in one way.</summary>
internal sealed record AdversaryCount(AdversaryKind Kind, int Count);
