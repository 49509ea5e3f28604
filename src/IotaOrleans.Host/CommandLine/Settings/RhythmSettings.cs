using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>What happens between steps, and how often.</summary>
internal sealed class RhythmSettings : ISettings
{
    public Setting<int> EvaluationInterval { get; } = new(
        SettingGroups.Rhythm, "--evaluation-interval", "Steps between evaluations on the validation split", Values.Whole(1, int.MaxValue), 250);

    public Setting<int> EvaluationSequences { get; } = new(
        SettingGroups.Rhythm, "--evaluation-sequences", "Sequences of one evaluation", Values.Whole(1, 1_000_000), 256);

    public Setting<int> CheckpointInterval { get; } = new(
        SettingGroups.Rhythm, "--checkpoint-interval", "Steps between checkpoints", Values.Whole(1, int.MaxValue), 500);

    public Setting<int> KeepCheckpoints { get; } = new(
        SettingGroups.Rhythm, "--keep-checkpoints", "How many checkpoints are kept, the newest", Values.Whole(1, 1_000_000), 3);

    public Setting<int> EpochSteps { get; } = new(
        SettingGroups.Rhythm, "--epoch-steps", "Steps of one reward epoch", Values.Whole(1, int.MaxValue), 100);

    public Setting<long> Emission { get; } = new(
        SettingGroups.Rhythm, "--emission", "Reward units paid per epoch, shared by counted work", Values.Whole(0L, long.MaxValue), 1_000_000);

    public Setting<double> Burn { get; } = new(
        SettingGroups.Rhythm, "--burn", "Part of the emission that nobody gets, from 0 to 1", Values.Number(0, 1), 0);

    public Setting<double> LargestShare { get; } = new(
        SettingGroups.Rhythm, "--largest-share", "Most of the emission that one miner gets; what is above is burned", Values.Number(0, 1, aboveMinimum: true), 1);

    public Setting<int> RewardWindow { get; } = new(
        SettingGroups.Rhythm, "--reward-window", "Epochs whose work counts, the one that is paid included", Values.Whole(1, 10_000), 1);

    public IEnumerable<Option> All => [EvaluationInterval, EvaluationSequences, CheckpointInterval, KeepCheckpoints, EpochSteps, Emission, Burn, LargestShare, RewardWindow];

    /// <summary>The rules by which epochs are paid.</summary>
    public RewardPolicy Rewards(ParseResult parsed) => new()
    {
        Emission = Emission.Of(parsed),
        Burn = InMillionths(Burn.Of(parsed)),
        LargestShare = Math.Max(1, InMillionths(LargestShare.Of(parsed))),
        Window = RewardWindow.Of(parsed),
    };

    private static int InMillionths(double share) => (int)Math.Round(share * RewardPolicy.Whole);
}
