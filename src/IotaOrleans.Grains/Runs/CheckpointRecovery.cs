using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Grains.Runs;

/// <summary>Finds the newest checkpoint that is what was written.</summary>
internal static class CheckpointRecovery
{
    /// <summary>The state at a checkpoint.</summary>
    public static TrainingRunState At(TrainingRunState state, string path, CheckpointDescription description) => state with
    {
        CheckpointStep = description.Step,
        Checkpoint = path,
        Epoch = description.Epoch,
        Position = description.Position,
        ValidationLoss = description.ValidationLoss,
        Elapsed = TimeSpan.FromSeconds(description.Seconds),
    };

    /// <summary>The state of a run whose grains have none, because it went on from another store: what its newest checkpoint says; null when it has none.</summary>
    public static TrainingRunState? Find(TrainingRunSpecification specification) => new CheckpointStore(specification.CheckpointDirectory).FindLatest() is { } latest
        ? new TrainingRunState { Specification = specification, Checkpoint = latest, CheckpointStep = CheckpointStore.StepOf(latest)!.Value }
        : null;

    /// <summary>The state at the newest sound checkpoint: the one that it names, or one before it, with what is wrong with those passed over.</summary>
    /// <exception cref="IotaException">None is sound (<see cref="ExitCode.Model"/>).</exception>
    public static (TrainingRunState State, IReadOnlyList<CheckpointDamaged> Damaged) Recover(TrainingRunState state)
    {
        if (state.Checkpoint is null)
        {
            return (state, []);
        }

        // The run's folder may have been moved since the state was stored.
        var directory = state.Specification.CheckpointDirectory;
        string[] candidates =
        [
            Path.Combine(directory, Path.GetFileName(state.Checkpoint)),
            .. new CheckpointStore(directory).List().Where(folder => CheckpointStore.StepOf(folder) < state.CheckpointStep),
        ];
        var damaged = new List<CheckpointDamaged>();
        foreach (var candidate in candidates)
        {
            if (FolderSums.FindDamage(candidate) is { } damage)
            {
                damaged.Add(new CheckpointDamaged { Step = state.CheckpointStep, Checkpoint = candidate, Reason = damage });
                continue;
            }

            var description = CheckpointDescription.Read(candidate);
            return (At(state, candidate, description), damaged);
        }

        throw new IotaException(ExitCode.Model, $"{damaged[0].Reason}; and there is no earlier checkpoint that is sound");
    }
}
