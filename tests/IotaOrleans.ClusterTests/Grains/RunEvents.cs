namespace IotaOrleans.ClusterTests.Grains;

/// <summary>Events of a small run of two stages, held by ada and bob.</summary>
internal static class RunEvents
{
    public static readonly DateTimeOffset Begin = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public static RunStarted Started(string run, long steps = 100) => new()
    {
        At = Begin,
        Run = run,
        Steps = steps,
        Parameters = 803_072,
        TokensPerStep = 2_048,
        Stages = [new StageView(0, new BlockRange(0, 2), "ada", 401_408, 0), new StageView(1, new BlockRange(2, 2), "bob", 401_664, 0)],
    };

    public static StepCompleted Step(int step) => new()
    {
        At = Begin.AddSeconds(step),
        Step = step,
        Loss = 1.5 + (2.7 * Math.Exp(-step / 25.0)),
        GradientNorm = 0.8,
        LearningRate = 1e-3,
        TokensPerSecond = 20_480,
        BusyShares = [0.75, 0.5],
    };

    public static EvaluationCompleted Evaluation(int step, double loss) => new() { At = Begin.AddSeconds(step), Step = step, ValidationLoss = loss };

    public static EpochClosed EpochClosed(string run, int epoch) => new()
    {
        At = Begin.AddSeconds(epoch),
        Settlement = new EpochSettlement(run, epoch, 1_000_000, 0, [
            new Payslip("ada", 0, 1_024, 51_200, 500_000, "1,024 of 2,048 counted backward passes, on stage 0: 50.0 % of 1,000,000."),
            new Payslip("bob", 1, 1_024, 51_200, 500_000, "1,024 of 2,048 counted backward passes, on stage 1: 50.0 % of 1,000,000."),
        ], Begin.AddSeconds(epoch)),
    };
}
