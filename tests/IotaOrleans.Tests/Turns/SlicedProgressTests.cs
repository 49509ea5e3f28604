using IotaOrleans.Benchmarks.Turns;

namespace IotaOrleans.Tests.Turns;

/// <summary>What the benchmarks' comparisons in turns rest on.</summary>
public sealed class SlicedProgressTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_slice_is_measured_from_its_first_mark_to_its_last()
    {
        var progress = new SlicedProgress();
        progress.Ran(At(0), At(10));
        progress.Ran(At(100), At(110));
        Mark(progress, (5, 5), (9, 9));

        // The step that the stop cut in two took three seconds of running instead of one.
        Mark(progress, (102, 10), (104, 12), (106, 14), (108, 16), (109, 18));

        progress.Rate(1).Should().BeApproximately(8 / 7.0, 1e-9);
    }

    [Fact]
    public void Between_too_few_marks_a_program_is_taken_to_have_worked_evenly_while_it_ran()
    {
        var progress = new SlicedProgress();
        progress.Ran(At(0), At(10));
        progress.Ran(At(100), At(110));
        progress.Ran(At(200), At(210));
        Mark(progress, (8, 8), (104, 20), (204, 40));

        // Six seconds of running for 12, then ten for 20.
        progress.Rate(1).Should().BeApproximately(((12 * 4 / 6.0) + (20 * 6 / 10.0)) / 10, 1e-9);
    }

    [Theory]
    [InlineData(0, "nothing was done before the slice")]
    [InlineData(1, "nothing was done after the slice")]
    public void Without_a_mark_on_both_sides_nothing_is_known(int slice, string reason)
    {
        var progress = new SlicedProgress();
        progress.Ran(At(0), At(10));
        progress.Ran(At(100), At(110));
        Mark(progress, (4, 1), (8, 2), (104, 3));

        progress.Invoking(it => it.Rate(slice)).Should().Throw<InvalidOperationException>().WithMessage(reason);
    }

    [Fact]
    public void It_knows_how_far_and_when_it_went_on()
    {
        var progress = new SlicedProgress();
        progress.WentOnAfter(At(0)).Should().BeFalse();
        progress.HasDone(1).Should().BeFalse();
        Mark(progress, (4, 1), (8, 2));

        progress.WentOnAfter(At(8)).Should().BeTrue();
        progress.WentOnAfter(At(9)).Should().BeFalse();
        progress.HasDone(2).Should().BeTrue();
        progress.HasDone(3).Should().BeFalse();
    }

    private static DateTimeOffset At(double seconds) => Start.AddSeconds(seconds);

    private static void Mark(SlicedProgress progress, params ReadOnlySpan<(double Seconds, double Done)> marks)
    {
        foreach (var (seconds, done) in marks)
        {
            progress.Mark(At(seconds), done);
        }
    }
}
