using System.Collections.Immutable;

namespace IotaOrleans.Protocol.Merging;

public static partial class StagePhases
{
    /// <summary>One transition under way.</summary>
    private sealed class Step(StagePhaseState state, DateTimeOffset now, StagePhaseSettings settings)
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

        private void EndIfAllArrived()
        {
            if (State.Phase != StagePhase.Merging && State.Members.Any(member => member.IsLive) && Expected(State).All(member => HasArrived(State, member)))
            {
                EndWaiting();
            }
        }

        /// <summary>Training or uploading is over, because all are there or because time is up.</summary>
        private void EndWaiting()
        {
            StageMember[] expected = [.. Expected(State)];
            var late = expected.Count(member => !HasArrived(State, member));
            var there = State.Members.Count(member => member.IsLive && HasArrived(State, member));
            var outcome = there < Quorum(expected.Length, settings) ? PhaseOutcome.TooFew : late == 0 ? PhaseOutcome.AllArrived : PhaseOutcome.QuorumAtDeadline;
            LearnFrom(late);
            if (State.Phase == StagePhase.Training)
            {
                if (outcome == PhaseOutcome.TooFew)
                {
                    ProlongTraining(outcome);
                }
                else
                {
                    BeginUploading(outcome);
                }
            }
            else if (outcome == PhaseOutcome.TooFew)
            {
                BeginRound(outcome);
            }
            else
            {
                BeginMerging(outcome);
            }
        }

        /// <summary>
        /// All that is known of the late is that they take longer. Counted as twice the time, they move the deadline until they fit in;
        /// left out, a deadline that is too short for all would stay so for ever.
        /// </summary>
        private void LearnFrom(int late)
        {
            for (; late > 0; late--)
            {
                State = State.Phase == StagePhase.Training
                    ? State with { TrainingArrivals = State.TrainingArrivals.Add(2 * (now - State.RoundSince)) }
                    : State with { UploadArrivals = State.UploadArrivals.Add(2 * (now - State.Since)) };
            }
        }

        private void ProlongTraining(PhaseOutcome outcome)
        {
            if (outcome == PhaseOutcome.AllLost || State.Members.Any(member => member.IsLive))
            {
                Record(outcome);
                Effects.Add(new ResumeTraining(State.Round, FromMerged: false, outcome));
            }

            State = State with { Since = now, Deadline = now + Wait(State.TrainingArrivals, settings.Training) };
        }

        private void BeginUploading(PhaseOutcome outcome)
        {
            Record(outcome);
            var round = State.Round;
            State = State with
            {
                Phase = StagePhase.Uploading,
                Since = now,
                Deadline = now + Wait(State.UploadArrivals, settings.Uploading),
                Members = [.. State.Members.Select(member => member.IsLive && member.QualifiedRound == round ? member with { ExpectedRound = round } : member)],
            };
            Effects.Add(new AskForUploads(round, [.. Expected(State).Select(member => member.Miner)], State.Deadline));
        }

        private void BeginMerging(PhaseOutcome outcome)
        {
            Record(outcome);
            StartGrace();
            var uploaded = State.Members.Where(member => member.IsLive && member.UploadedRound == State.Round);
            Effects.Add(new StartMerge(State.Round, [.. uploaded.Select(member => member.Miner)]));
            State = State with { Phase = StagePhase.Merging, Since = now, Deadline = now + Wait(State.MergeArrivals, settings.Merging) };
        }

        private void BeginRound(PhaseOutcome outcome)
        {
            Record(outcome);
            if (State.Phase == StagePhase.Uploading)
            {
                StartGrace();
            }
            else if (outcome == PhaseOutcome.MergeTimedOut)
            {
                State = State with { MergeArrivals = State.MergeArrivals.Add(2 * (now - State.Since)) };
            }

            State = State with
            {
                Phase = StagePhase.Training,
                Round = State.Round + 1,
                RoundSince = now,
                Since = now,
                Deadline = now + Wait(State.TrainingArrivals, settings.Training),
                IsReducing = false,
                IsClosing = false,
                Members = [.. State.Members.Select(member => member with { Work = 0 })],
            };
            Effects.Add(new ResumeTraining(State.Round, outcome is PhaseOutcome.Merged or PhaseOutcome.MergedWithGaps, outcome));
        }

        private void StartGrace() => State = State with { GraceRound = State.Round, GraceUntil = now + settings.Grace };

        private TimeSpan Wait(ArrivalStatistics arrivals, PhaseBounds bounds) => arrivals.Wait(bounds, settings.Deviations, settings.MinimumArrivals);

        private void Record(PhaseOutcome outcome)
        {
            var expected = Expected(State).Count();
            var arrived = Expected(State).Count(member => HasArrived(State, member));
            var history = State.History.Add(new PhaseRecord(State.Round, State.Phase, outcome, State.Since, now, arrived, expected));
            State = State with { History = history.Length > HistoryLength ? history.RemoveAt(0) : history };
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
