using IotaOrleans.Protocol.Swarm;
using Microsoft.Extensions.Time.Testing;

namespace IotaOrleans.Tests.Protocol;

public sealed class RunningClockTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly FakeTimeProvider _time = new();
    private readonly RunningClock _clock;

    public RunningClockTests() => _clock = new RunningClock(_time, Second);

    [Fact]
    public void Time_passes_between_ticks_even_late_ones()
    {
        Run(seconds: 10);
        _time.Advance(2.5 * Second);
        _clock.Now.Should().Be(12.5 * Second);

        _clock.Tick();

        _clock.Now.Should().Be(12.5 * Second);
    }

    [Fact]
    public void A_stop_does_not_count_however_long_it_was()
    {
        Run(seconds: 10);
        _time.Advance(TimeSpan.FromHours(8));
        _clock.Tick();
        _clock.Now.Should().Be(11 * Second);

        Run(seconds: 5);

        _clock.Now.Should().Be(16 * Second);
    }

    private void Run(int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            _time.Advance(Second);
            _clock.Tick();
        }
    }
}
