using System.Collections.Immutable;
using IotaOrleans.Protocol.Rewards;

namespace IotaOrleans.ClusterTests.Web;

/// <summary>A run of four stages with a plausible, noisy and repeatable loss; one miner's name tries to be markup.</summary>
internal static class SampleRun
{
    private const int EpochSteps = 300;
    private static readonly DateTimeOffset Begin = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly string[] Miners = ["ada", "bob", "carol", "<img src=x onerror=alert(1)>"];

    public static double Loss(int step) =>
        Math.Round(1.55 + (2.2 * Math.Exp(-step / 180.0)) + (0.9 * Math.Exp(-step / 20.0)) + (0.12 * Noise(step)), 4);

    /// <summary>The same for the same step, between -0.5 and 0.5.</summary>
    private static double Noise(int step) => ((unchecked((uint)step * 2_654_435_761u)) ^ ((uint)step << 7)) % 10_000 / 10_000.0 - 0.5;

    public static StepCompleted Step(int step) => new()
    {
        At = Begin.AddSeconds(step / 6.0),
        Step = step,
        Loss = Loss(step),
        GradientNorm = 0.7,
        LearningRate = 1e-3,
        TokensPerSecond = 12_840,
        BusyShares = [0.83, 0.79, 0.80, 0.91],
    };

    public static async Task PublishAsync(IRunViewGrain view, int steps)
    {
        var run = view.GetPrimaryKeyString();
        var events = new List<RunEvent> { Started(run) };
        for (var step = 1; step <= steps; step++)
        {
            events.Add(Step(step));
            if (step % 250 == 0)
            {
                events.Add(new EvaluationCompleted { At = Begin.AddSeconds(step / 6.0), Step = step, ValidationLoss = Math.Round(Loss(step) + 0.08, 4) });
            }

            if (step % EpochSteps == 0)
            {
                events.Add(Epoch(run, step));
            }

            if (step % 500 == 0)
            {
                events.Add(new CheckpointWritten { At = Begin.AddSeconds(step / 6.0), Step = step, Checkpoint = $"runs/{run}/step-{step}" });
            }
        }

        await view.PublishAsync(RunPhase.Training, [.. events]);
    }

    private static RunStarted Started(string run) => new()
    {
        At = Begin,
        Run = run,
        Steps = 2_000,
        Parameters = 803_072,
        TokensPerStep = 2_048,
        Stages =
        [
            new StageView(0, new BlockRange(0, 2), Miners[0], 216_832, 0),
            new StageView(1, new BlockRange(2, 2), Miners[1], 184_576, 0),
            new StageView(2, new BlockRange(4, 2), Miners[2], 184_576, 0),
            new StageView(3, new BlockRange(6, 2), Miners[3], 217_088, 0),
        ],
    };

    private static EpochClosed Epoch(string run, int step)
    {
        ImmutableArray<RewardClaim> work =
            [.. Miners.Select((miner, stage) => new RewardClaim(miner, stage, EpochSteps * 8, EpochSteps * 2_048))];
        var at = Begin.AddSeconds(step / 6.0);
        return new EpochClosed { At = at, Step = step, Settlement = Settlement.Settle(run, (step / EpochSteps) - 1, 1_000_000, work, at) };
    }
}
