namespace IotaOrleans.Protocol.Merging;

public static partial class StagePhases
{
    /// <summary>How phases end and the next begin.</summary>
    private sealed partial class Step
    {
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
    }
}
