using CsCheck;
using IotaOrleans.Protocol.Swarm;

namespace IotaOrleans.Tests.Protocol;

public sealed class SwarmLedgerTests
{
    [Fact]
    public void Every_micro_batch_is_counted_once_whoever_is_lost_and_whatever_is_repeated() =>
        Gen.Select(Gen.Int[1, 60], Gen.Int[1, 5], Gen.Int[0, int.MaxValue]).ForAll((count, miners, seed) =>
        {
            var random = new Random(seed);
            var ledger = new MicroBatchLedger(new LedgerPosition(0, []), count);
            var (held, counted) = (new List<(long Number, string Miner)>(), new List<long>());
            while (!ledger.IsComplete)
            {
                var miner = $"miner-{random.Next(miners)}";
                held.AddRange(ledger.Grant(miner, random.Next(4)).Select(number => (number, miner)));
                if (random.Next(5) == 0)
                {
                    ledger.Return(miner);
                }

                // What was given out twice may be done twice, and reported in any order and again.
                foreach (var (number, holder) in held.Where(_ => random.Next(3) == 0).ToArray())
                {
                    if (ledger.Complete(number, holder))
                    {
                        counted.Add(number);
                    }
                }
            }

            counted.Order().Should().Equal(Enumerable.Range(0, count).Select(number => (long)number));
            ledger.Completed.Should().Be(count);
        });

    [Fact]
    public void A_ledger_goes_on_where_another_one_was() => Gen.Select(Gen.Int[1, 60], Gen.Int[0, 60], Gen.Int[0, int.MaxValue]).ForAll((count, steps, seed) =>
    {
        var random = new Random(seed);
        var before = new MicroBatchLedger(new LedgerPosition(0, []), count);
        var done = before.Grant("ada", steps).Where(_ => random.Next(2) == 0).Where(number => before.Complete(number, "ada")).ToArray();

        var after = new MicroBatchLedger(before.Position, count);

        after.Completed.Should().Be(before.Completed);
        done.Concat(after.Grant("bob", count)).Order().Should().Equal(Enumerable.Range(0, count).Select(number => (long)number));
    });

    [Fact]
    public void A_run_that_is_to_be_shorter_than_what_was_done_of_it_has_nothing_left_but_what_is_missing()
    {
        var ledger = new MicroBatchLedger(new LedgerPosition(13, [6, 11]), end: 8);

        ledger.HasMore.Should().BeTrue();
        ledger.Grant("ada", 5).Should().Equal(6);
        ledger.Complete(6, "ada").Should().BeTrue();
        (ledger.IsComplete, ledger.Completed).Should().Be((true, 8));
    }

    [Theory]
    [InlineData(12, 8, "8 9 10 11")]
    [InlineData(12, 12, "")]
    [InlineData(10, 8, "10 11")]
    [InlineData(null, 8, "8 9 10 11")]
    public void Steps_whose_losses_nobody_knows_any_longer_are_done_again(int? next, int first, string again)
    {
        var ledger = MicroBatchLedger.GoOn(next is { } begun ? new LedgerPosition(begun, []) : null, first, end: 12);

        string.Join(' ', ledger.Grant("ada", 12)).Should().Be(again);
    }

    [Fact]
    public void A_closed_ledger_completes_the_step_that_was_begun()
    {
        var ledger = new MicroBatchLedger(new LedgerPosition(0, []), 100);
        ledger.Grant("ada", 5);

        ledger.Close(microBatches: 4);

        ledger.Grant("ada", 10).Should().Equal(5, 6, 7);
        ledger.IsDrained.Should().BeFalse();
        Enumerable.Range(0, 8).Should().OnlyContain(number => ledger.Complete(number, "ada"));
        ledger.IsDrained.Should().BeTrue();
    }

    [Fact]
    public void A_number_that_was_never_given_out_is_not_counted() =>
        new MicroBatchLedger(new LedgerPosition(0, []), 100).Complete(3, "ada").Should().BeFalse();

    [Fact]
    public void Who_says_that_the_work_of_another_is_done_is_not_believed()
    {
        var ledger = new MicroBatchLedger(new LedgerPosition(0, []), 100);
        ledger.Grant("ada", 1);

        ledger.Complete(0, "eve").Should().BeFalse();
        ledger.Complete(0, "ada").Should().BeTrue();
        ledger.Complete(0, "ada").Should().BeFalse("it is counted once");
    }

    [Fact]
    public void A_step_waits_for_a_loss_and_has_the_mean_of_those_that_came()
    {
        var counter = new StepCounter(2);
        counter.Complete();
        counter.Complete();
        counter.TryTake(out _).Should().BeFalse("no loss is known");

        counter.AddLoss(1);
        counter.AddLoss(2);

        counter.TryTake(out var loss).Should().BeTrue();
        loss.Should().Be(1.5);
        counter.TryTake(out _).Should().BeFalse("there is no second step");
        counter.Complete();
        counter.Complete();
        counter.TryTake(out loss).Should().BeTrue();
        loss.Should().Be(1.5, "its own losses are late: the last ones stand for them");
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(-1, 3)]
    [InlineData(0, 2)]
    public void Steps_of_a_run_that_goes_on_end_where_they_would_have(int ahead, int microBatches)
    {
        var counter = new StepCounter(2, ahead);
        counter.AddLoss(1);

        var taken = Enumerable.Range(0, microBatches).Select(_ =>
        {
            counter.Complete();
            return counter.TryTake(out var _);
        });

        taken.Should().Equal([.. Enumerable.Repeat(false, microBatches - 1), true]);
    }

    [Fact]
    public void A_miner_that_was_slow_once_is_tried_again()
    {
        var hops = Hops(("near", 10), ("far", 100));

        var chosen = Enumerable.Range(0, 400).Select(number =>
        {
            var miner = hops.Choose(number)!;
            hops.Answered(miner, TimeSpan.FromMilliseconds(miner == "near" ? 10 : 100), 1);
            return miner;
        }).ToArray();

        chosen.Count(miner => miner == "far").Should().BeInRange(1, 20);
    }

    [Fact]
    public void What_was_not_answered_makes_a_miner_slow_but_its_answers_are_not_waited_for_longer()
    {
        var hops = Hops(("near", 10), ("lost", 10));

        hops.GaveUp("lost", TimeSpan.FromSeconds(5), 1);

        hops.TimeOf("lost").Should().Be(TimeSpan.FromMilliseconds(10));
        Chosen(hops, 10).Should().OnlyContain(miner => miner == "near");
    }

    [Fact]
    public void What_did_not_reach_a_miner_does_not_make_it_fast()
    {
        var hops = Hops(("near", 10), ("far", 1000));

        hops.GaveUp("far", TimeSpan.FromMilliseconds(1), 1);

        Chosen(hops, 10).Should().OnlyContain(miner => miner == "near");
    }

    [Theory]
    [InlineData(1, 2, 4)]
    public void Micro_batches_go_to_miners_in_proportion_to_their_speeds(int slow, int middle, int fast)
    {
        // Three miners that work off what they are sent, in virtual time; the sender always has eight under way.
        var seconds = new Dictionary<string, double> { ["slow"] = 1.0 / slow, ["middle"] = 1.0 / middle, ["fast"] = 1.0 / fast };
        var free = seconds.Keys.ToDictionary(miner => miner, _ => 0.0);
        var hops = new NextHops();
        hops.Set([.. seconds.Keys]);
        var underWay = new PriorityQueue<(string Miner, double Sent, int Ahead), double>();
        var counts = seconds.Keys.ToDictionary(miner => miner, _ => 0);
        var now = 0.0;
        for (var number = 0; number < 2000; number++)
        {
            if (underWay.Count == 8)
            {
                underWay.TryDequeue(out var answer, out now);
                hops.Answered(answer.Miner, TimeSpan.FromSeconds(now - answer.Sent), answer.Ahead);
                counts[answer.Miner]++;
            }

            var chosen = hops.Choose(number)!;
            free[chosen] = Math.Max(free[chosen], now) + seconds[chosen];
            underWay.Enqueue((chosen, now, hops.UnderWay(chosen)), free[chosen]);
        }

        double total = counts.Values.Sum();
        (counts["slow"] / total).Should().BeApproximately(slow / 7.0, 0.1 * slow / 7.0);
        (counts["middle"] / total).Should().BeApproximately(middle / 7.0, 0.1 * middle / 7.0);
        (counts["fast"] / total).Should().BeApproximately(fast / 7.0, 0.1 * fast / 7.0);
    }

    /// <summary>Neighbours that have answered once.</summary>
    private static NextHops Hops(params (string Miner, int Milliseconds)[] answers)
    {
        var hops = new NextHops();
        hops.Set([.. answers.Select(answer => answer.Miner)]);
        foreach (var (miner, milliseconds) in answers)
        {
            hops.Answered(miner, TimeSpan.FromMilliseconds(milliseconds), 1);
        }

        return hops;
    }

    /// <summary>Who is chosen when each micro-batch is answered before the next one.</summary>
    private static string[] Chosen(NextHops hops, int count) =>
    [
        .. Enumerable.Range(0, count).Select(number =>
        {
            var miner = hops.Choose(number)!;
            hops.Answered(miner, TimeSpan.FromMilliseconds(10), 1);
            return miner;
        }),
    ];
}
