namespace IotaOrleans.Benchmarks.Turns;

/// <summary>
/// A comparison in short turns. All sides stand ready, warmed up and stopped; in each round each of them is let run for a few seconds, alone,
/// so that whatever else the machine does falls on all of them alike. Sides that run for minutes one after the other differ by a third on a
/// small virtual machine, for reasons of its neighbours'.
/// </summary>
internal static class Contest
{
    // Stopped programs have been pushed out of the caches, and a silo's clocks are all due at once: it takes two seconds to run as before
    // (measured: a fifth slower in the first one). A machine that rested is faster than it can go on being, as well.
    private static readonly TimeSpan RunUp = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Runs the sides in turns and returns what each did per second in every round; how each gets going again is not counted. One more round
    /// comes first and is not counted either: who warmed up before others has been stopped for minutes, and has calls to make again that
    /// were given up meanwhile. All sides are started anew a few times, with rounds after each: one start of a program
    /// is faster than another for as long as it runs (measured: by 3 %).
    /// </summary>
    public static async Task<IReadOnlyList<IReadOnlyList<double>>> RunAsync(
        IReadOnlyList<Func<Contestant>> sides,
        int starts,
        int rounds,
        TimeSpan slice,
        TimeSpan warmUp,
        Action<int> roundIsDone)
    {
        var rates = sides.Select(_ => new List<double>()).ToArray();
        for (var start = 0; start < starts; start++)
        {
            var before = start * rounds;
            var sitting = await SitAsync(sides, rounds, slice, warmUp, round => roundIsDone(before + round));
            for (var side = 0; side < rates.Length; side++)
            {
                rates[side].AddRange(sitting[side]);
            }
        }

        return rates;
    }

    private static async Task<IReadOnlyList<IReadOnlyList<double>>> SitAsync(
        IReadOnlyList<Func<Contestant>> sides,
        int rounds,
        TimeSpan slice,
        TimeSpan warmUp,
        Action<int> roundIsDone)
    {
        var contestants = new List<Contestant>();
        try
        {
            foreach (var start in sides)
            {
                contestants.Add(start());
                await contestants[^1].WarmUpAsync(warmUp);
            }

            for (var round = 0; round <= rounds; round++)
            {
                foreach (var contestant in contestants)
                {
                    await contestant.RunAsync(RunUp, slice);
                }

                if (round > 0)
                {
                    roundIsDone(round);
                }
            }

            foreach (var contestant in contestants)
            {
                await contestant.FinishAsync();
            }

            return [.. contestants.Select(contestant => contestant.Rates(rounds))];
        }
        finally
        {
            foreach (var contestant in contestants)
            {
                await contestant.DisposeAsync();
            }
        }
    }
}
