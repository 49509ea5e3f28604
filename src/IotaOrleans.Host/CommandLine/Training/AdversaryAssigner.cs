using System.Collections.Immutable;
using IotaOrleans.Host.CommandLine.Settings;

namespace IotaOrleans.Host.CommandLine.Training;

/// <summary>Chooses who cheats in a rehearsal: the last miners of the stages in turn, the last stage first, and never a stage's first miner.</summary>
internal static class AdversaryAssigner
{
    /// <exception cref="IotaException">The run is not elastic, or has too few miners.</exception>
    public static ImmutableArray<Adversary> Assign(TrainingRunSpecification specification, IReadOnlyList<AdversaryCount> counts)
    {
        if (counts.Count == 0)
        {
            return [];
        }

        if (specification.Mode != TrainingMode.Elastic)
        {
            throw new IotaException(ExitCode.Usage, "--adversary needs --mode elastic: in exact mode a step waits for everybody, and nobody can be sent away");
        }

        var chosen = ImmutableArray.CreateBuilder<Adversary>();
        foreach (var kind in counts.SelectMany(entry => Enumerable.Repeat(entry.Kind, entry.Count)))
        {
            var last = specification.Stages.Length - 1;
            IEnumerable<int> stages = kind == AdversaryKind.LyingTail
                ? [last]
                : Enumerable.Range(0, last + 1).OrderBy(stage => chosen.Count(own => specification.Miners[stage].Contains(own.Miner))).ThenByDescending(stage => stage);
            var miner = stages
                .Select(stage => specification.Miners[stage].Skip(1).LastOrDefault(miner => chosen.All(own => own.Miner != miner)))
                .FirstOrDefault(miner => miner is not null)
                ?? throw new IotaException(ExitCode.Usage, "--adversary asks for more cheats than there are miners beside one honest one for each stage: raise --miners");
            chosen.Add(new Adversary(miner, kind));
        }

        return chosen.ToImmutable();
    }
}
