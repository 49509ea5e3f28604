namespace IotaOrleans.Benchmarks.Turns;

/// <summary>
/// A comparison in short turns. All sides stand ready, warmed up and stopped; in each round each of them is let run for a few seconds, alone,
/// so that whatever else the machine does falls on all of them alike. Sides that run for minutes one after the other differ by a third on a
/// small virtual machine, for reasons of its neighbours'.
/// </summary>
internal static class Contest
{
    /// <summary>
    /// Runs the sides in turns and returns what each did per second in every round. One side is stopped for as long as all others take
    /// together: less than the half minute after which a silo's calls are given up.
    /// </summary>
    public static async Task<IReadOnlyList<IReadOnlyList<double>>> RunAsync(
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

            for (var round = 0; round < rounds; round++)
            {
                foreach (var contestant in contestants)
                {
                    await contestant.RunAsync(slice);
                }

                roundIsDone(round + 1);
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
