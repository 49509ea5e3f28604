using System.Collections.Immutable;
using System.CommandLine;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Protocol.Stages;
using IotaOrleans.Training.Data;

namespace IotaOrleans.Benchmarks.Unequal;

/// <summary>
/// Miners of different speeds in one swarm: whether each gets work in proportion to its speed, and whether a miner that is moved to a
/// slow stage makes the run as much faster as the planner said. Each miner has a silo whose lane rests for a part of the time.
/// </summary>
internal static class UnequalBenchmark
{
    private const double LargestDeviation = 0.1;
    private const double LargestMissedPrediction = 0.2;
    private const int StepsOfWork = 200;
    private const int Window = 40;

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var rounds = new Option<int>("--rounds") { Description = "Runs of each kind", DefaultValueFactory = _ => 5 };
        var command = new Command("unequal", "Work by speed, and what moving a miner to a slow stage brings") { json, rounds };
        command.SetAction(async (parsed, _) =>
        {
            var results = await MeasureAsync(parsed.GetValue(rounds));
            Comparison.Print(results, parsed.GetValue(json));
            return results.All(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    public static async Task<IReadOnlyList<Comparison>> MeasureAsync(int rounds)
    {
        var folder = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var data = Path.Combine(folder.FullName, "data");
            var text = await ClusterTraining.WriteTextAsync(folder.FullName);
            using (TokenDataSet.Prepare(new DataSourceOptions { Data = text, Tokenizer = "characters" }, data, 33))
            {
            }

            var results = new List<Comparison>(await WorkAsync(folder.FullName, data, rounds));
            results.AddRange(await MovesAsync(folder.FullName, data, rounds));
            return results;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>One stage is held by three miners, four times, twice and once as fast, and is much slower than the stage before it: none waits for work.</summary>
    private static async Task<IReadOnlyList<Comparison>> WorkAsync(string folder, string data, int rounds)
    {
        (string Miner, int Speed)[] unequal = [("four", 4), ("two", 2), ("one", 1)];
        var measured = unequal.ToDictionary(entry => entry.Miner, _ => new List<double>());
        for (var round = 1; round <= rounds; round++)
        {
            await using var swarm = await UnequalSwarm.StartAsync([("source", 1), .. unequal.Select(entry => (entry.Miner, 0.04 * entry.Speed))]);

            // A merge costs each the same, which is more for the slow: here it would be measured instead of the routing.
            var events = await swarm.TrainAsync(Specification(folder, data, $"work-{round}", StepsOfWork, innerSteps: StepsOfWork, [["source"], [.. unequal.Select(entry => entry.Miner)]]));
            var passes = events.OfType<RunFinished>().Single().Rewards.Where(reward => reward.Stage == 1).ToDictionary(reward => reward.Miner, reward => (double)reward.BackwardPasses);
            var unit = passes.Values.Sum() / unequal.Sum(entry => entry.Speed);
            foreach (var (miner, speed) in unequal)
            {
                measured[miner].Add(passes[miner] / unit);
            }

            await Console.Error.WriteLineAsync($"work, round {round} of {rounds}: {string.Join(" : ", unequal.Select(entry => $"{measured[entry.Miner][^1]:0.00}"))} for speeds of {string.Join(" : ", unequal.Select(entry => entry.Speed))}");
        }

        return
        [
            .. unequal.Select(entry => Comparison.Of($"work of a miner of speed {entry.Speed}", "shares", "its speed", 1 - LargestDeviation, measured[entry.Miner], [.. measured[entry.Miner].Select(_ => (double)entry.Speed)])
                with { LargestRatio = 1 + LargestDeviation }),
        ];
    }

    /// <summary>One stage has three miners, the other a slow one: the planner moves one of the three and says how much faster the run becomes.</summary>
    private static async Task<IReadOnlyList<Comparison>> MovesAsync(string folder, string data, int rounds)
    {
        (string Miner, double Share)[] miners = [("first", 0.15), ("second", 0.15), ("third", 0.15), ("slow", 0.05)];
        List<double> measured = [], predicted = [];
        for (var round = 1; round <= rounds; round++)
        {
            await using var swarm = await UnequalSwarm.StartAsync(miners);
            var specification = Specification(folder, data, $"move-{round}", 1_000_000, innerSteps: 10, [["first", "second", "third"], ["slow"]]);
            specification = specification with { Swarm = specification.Swarm with { Rebalances = true } };
            var run = swarm.Grains.GetGrain<ITrainingRunGrain>(specification.Run);
            await run.StartAsync(specification);
            foreach (var (miner, share) in miners)
            {
                // As the program's silos do again and again; their speeds are what tells a slow miner from a costly stage.
                await run.AdmitAsync(miner, new MinerCapability("silo", 1, long.MaxValue, 100 * share));
            }

            var moved = (await swarm.FollowAsync(specification.Run, happened => happened is MembersChanged)).OfType<MembersChanged>().First();
            // The first steps with the new miner are not those of a swarm that has settled.
            var settled = moved.Step + Window;
            await swarm.FollowAsync(specification.Run, happened => happened.Step >= settled + (2 * Window));
            await run.StopAsync();
            var steps = (await swarm.FollowAsync(specification.Run, _ => false)).OfType<StepCompleted>().ToDictionary(step => step.Step, step => step.At);
            var before = Rate(Math.Max(2, moved.Step - Window), moved.Step);
            var after = Rate(settled, settled + (2 * Window));
            measured.Add(after / before);
            predicted.Add(moved.Predicted!.After / moved.Predicted.Before);
            await Console.Error.WriteLineAsync(
                $"move, round {round} of {rounds}: {moved.Miner} to stage {moved.Stage} at step {moved.Step}: {before:0.0} to {after:0.0} micro-batches/s, {moved.Predicted.Before:0.0} to {moved.Predicted.After:0.0} were predicted");

            double Rate(long first, long last) => (last - first) * specification.MicroBatches / (steps[last] - steps[first]).TotalSeconds;
        }

        return
        [
            Comparison.Of("speed-up by moving a miner to the slow stage", "×", "what the planner predicted", 1 - LargestMissedPrediction, measured, predicted) with { LargestRatio = 1 + LargestMissedPrediction },
        ];
    }

    private static TrainingRunSpecification Specification(string folder, string data, string run, int steps, int innerSteps, ImmutableArray<ImmutableArray<string>> miners)
    {
        using var tokens = TokenDataSet.Open(data);
        var model = new ModelConfiguration
        {
            VocabularySize = tokens.VocabularySize,
            HiddenSize = 64,
            IntermediateSize = 176,
            BlockCount = 4,
            HeadCount = 4,
            KeyValueHeadCount = 2,
            ContextLength = 32,
            TiedEmbeddings = false,
        };
        return new TrainingRunSpecification
        {
            Run = run,
            Seed = 7,
            Model = model,
            Stages = StageSplitter.Split(model, miners.Length),
            Miners = miners,
            BatchSize = 16,
            MicroBatches = 4,
            ContextLength = 32,
            Steps = steps,
            EvaluationInterval = 1_000_000,
            EvaluationSequences = 4,
            CheckpointInterval = 1_000_000,
            EpochSteps = steps,
            Optimizer = new OptimizerSettings { WarmupSteps = 5 },
            DataDirectory = data,
            CheckpointDirectory = Path.Combine(folder, run),
            Mode = TrainingMode.Elastic,
            Swarm = new SwarmSettings { InnerSteps = innerSteps, Rebalances = false },
        };
    }
}
