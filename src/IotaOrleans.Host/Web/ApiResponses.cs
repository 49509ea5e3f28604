using IotaOrleans.Protocol.Merging;

namespace IotaOrleans.Host.Web;

/// <summary>One run in the list of runs.</summary>
/// <param name="Run">The run.</param>
/// <param name="Phase">What it is doing.</param>
/// <param name="Step">The last completed step.</param>
/// <param name="Steps">The step it will end at.</param>
/// <param name="Loss">Training loss of the last step, nats per token.</param>
/// <param name="ValidationLoss">Loss of the last evaluation, nats per token.</param>
/// <param name="UpdatedAt">When the last event arrived.</param>
internal sealed record RunSummary(string Run, RunPhase Phase, long Step, long Steps, double? Loss, double? ValidationLoss, DateTimeOffset UpdatedAt)
{
    public static RunSummary Of(RunView view) => new(view.Run, view.Phase, view.Step, view.Steps, view.Loss, view.ValidationLoss, view.UpdatedAt);
}

/// <summary>A miner's part in a run.</summary>
/// <param name="Miner">The miner.</param>
/// <param name="Stage">The stage.</param>
/// <param name="Holds">Whether it holds that stage now.</param>
/// <param name="BusyShare">Share of the last step in which it computed, from 0 to 1.</param>
/// <param name="BackwardPasses">Counted backward passes in closed epochs.</param>
/// <param name="Tokens">Tokens in them.</param>
/// <param name="Paid">Reward units.</param>
internal sealed record RunMiner(string Miner, int Stage, bool Holds, double BusyShare, long BackwardPasses, long Tokens, long Paid)
{
    /// <summary>Everyone who holds a stage or has earned something, in stage order.</summary>
    public static IReadOnlyList<RunMiner> Of(RunView view)
    {
        var holders = view.Stages.ToDictionary(stage => (stage.Miner, stage.Stage), stage => stage.BusyShare);
        var rewards = view.Rewards.ToDictionary(reward => (reward.Miner, reward.Stage));
        return
        [
            .. holders.Keys.Union(rewards.Keys).OrderBy(key => key.Stage).ThenBy(key => key.Miner, StringComparer.Ordinal).Select(key =>
            {
                var reward = rewards.GetValueOrDefault(key, new MinerReward(key.Miner, key.Stage, 0, 0, 0));
                return new RunMiner(
                    key.Miner, key.Stage, holders.ContainsKey(key), holders.GetValueOrDefault(key), reward.BackwardPasses, reward.Tokens, reward.Paid);
            }),
        ];
    }
}

/// <summary>Where a stage stands between training and merging.</summary>
/// <param name="Stage">The stage, from zero.</param>
/// <param name="Phase">What it is doing.</param>
/// <param name="Round">The round, from one; each ends in a merge or is abandoned.</param>
/// <param name="Deadline">When the phase ends at the latest.</param>
/// <param name="Waits">The same for people: what the phase waits for, and until when.</param>
internal sealed record StageStanding(int Stage, StagePhase Phase, long Round, DateTimeOffset Deadline, string Waits)
{
    public static StageStanding Of(int stage, StagePhaseState state, DateTimeOffset now) =>
        new(stage, state.Phase, state.Round, state.Deadline, StagePhases.Describe(state, now));
}

/// <summary>One line of the API's own description.</summary>
/// <param name="Path">The path.</param>
/// <param name="Description">What it returns.</param>
internal sealed record ApiEndpoint(string Path, string Description);
