using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Merging;

public static partial class StagePhases
{
    /// <summary>One transition under way: what each event does.</summary>
    private sealed partial class Step(StagePhaseState state, DateTimeOffset now, StagePhaseSettings settings)
    {
        public StagePhaseState State { get; private set; } = state;

        public ImmutableArray<StageEffect>.Builder Effects { get; } = ImmutableArray.CreateBuilder<StageEffect>();

        public void PassTime()
        {
            if (now < State.Deadline)
            {
                return;
            }

            switch (State.Phase)
            {
                case StagePhase.Merging when State.IsClosing:
                    BeginRound(PhaseOutcome.MergeTimedOut);
                    break;
                case StagePhase.Merging:
                    State = State with { IsClosing = true, Deadline = now + settings.Closing };
                    Effects.Add(new CloseMerge(State.Round));
                    break;
                default:
                    EndWaiting();
                    break;
            }
        }

        public void Join(string miner)
        {
            var index = Find(miner);
            if (index >= 0 && State.Members[index].IsLive)
            {
                return;
            }

            if (index >= 0)
            {
                Update(index, State.Members[index] with { IsLive = true });
            }
            else
            {
                State = State with { Members = State.Members.Insert(~index, new StageMember { Miner = miner, IsLive = true }) };
            }

            Effects.Add(new SendLastVersion(miner));
            EndIfAllArrived();
        }

        public void Lose(string miner)
        {
            var index = Find(miner);
            if (index < 0 || !State.Members[index].IsLive)
            {
                return;
            }

            Update(index, State.Members[index] with { IsLive = false });
            if (State.Members.Any(member => member.IsLive))
            {
                EndIfAllArrived();
            }
            else if (State.Phase == StagePhase.Training)
            {
                ProlongTraining(PhaseOutcome.AllLost);
            }
            else
            {
                BeginRound(PhaseOutcome.AllLost);
            }
        }

        public void CountWork(string miner, long round, long work)
        {
            var index = Find(miner);
            if (index < 0 || round != State.Round || work <= State.Members[index].Work)
            {
                return;
            }

            var qualifies = work >= settings.MinimumWork && State.Members[index].QualifiedRound != round;
            Update(index, State.Members[index] with { Work = work, QualifiedRound = qualifies ? round : State.Members[index].QualifiedRound });
            if (qualifies && State.Phase == StagePhase.Training)
            {
                State = State with { TrainingArrivals = State.TrainingArrivals.Add(now - State.RoundSince) };
                EndIfAllArrived();
            }
        }

        public void Upload(string miner, long round)
        {
            var index = Find(miner);
            if (index < 0)
            {
                Effects.Add(new RefuseUpload(round, miner, "This miner never joined the stage."));
                return;
            }

            var member = State.Members[index];
            if (member.UploadedRound >= round)
            {
                return;
            }

            if (Objection(member, round) is { } reason)
            {
                Effects.Add(new RefuseUpload(round, miner, reason));
                return;
            }

            var isMerged = round == State.Round && !State.IsReducing;
            Update(index, member with { UploadedRound = round });
            Effects.Add(new CountUpload(round, miner, isMerged));
            if (State.Phase == StagePhase.Uploading)
            {
                State = State with { UploadArrivals = State.UploadArrivals.Add(now - State.Since) };
                EndIfAllArrived();
            }
        }

        public void StartReduction(long round)
        {
            if (State.Phase == StagePhase.Merging && round == State.Round)
            {
                State = State with { IsReducing = true };
            }
        }

        public void EndMerge(long round, MergeOutcomeKind outcome)
        {
            if (State.Phase != StagePhase.Merging || round != State.Round)
            {
                return;
            }

            State = State with { MergeArrivals = State.MergeArrivals.Add(now - State.Since) };
            BeginRound(outcome switch
            {
                MergeOutcomeKind.Merged => PhaseOutcome.Merged,
                MergeOutcomeKind.MergedWithGaps => PhaseOutcome.MergedWithGaps,
                _ => PhaseOutcome.MergeFailed,
            });
        }

        private string? Objection(StageMember member, long round)
        {
            if (round > State.Round || (round == State.Round && State.Phase == StagePhase.Training))
            {
                return FormattableString.Invariant($"Round {round} has not come to uploading: the stage trains in round {State.Round}.");
            }

            if (State.Phase != StagePhase.Uploading || round != State.Round)
            {
                if (round != State.GraceRound || now > State.GraceUntil)
                {
                    return FormattableString.Invariant($"Uploading of round {round} ended more than {settings.Grace.TotalSeconds:0} s ago.");
                }
            }

            if (!member.IsLive)
            {
                return "This miner was given up as lost: it has to join again first.";
            }

            return member.QualifiedRound == round
                ? null
                : FormattableString.Invariant($"It did fewer than {settings.MinimumWork} verified backward passes in round {round}.");
        }

        private void Update(int index, StageMember member) => State = State with { Members = State.Members.SetItem(index, member) };

        /// <summary>The index of a member, or the complement of where it belongs.</summary>
        private int Find(string miner)
        {
            var members = State.Members.AsSpan();
            int low = 0, high = members.Length;
            while (low < high)
            {
                var middle = (low + high) / 2;
                var order = string.CompareOrdinal(members[middle].Miner, miner);
                if (order == 0)
                {
                    return middle;
                }

                (low, high) = order < 0 ? (middle + 1, high) : (low, middle);
            }

            return ~low;
        }
    }
}
