using System.Collections.Immutable;
using System.Reflection;
using IotaOrleans.Host.Progress;

namespace IotaOrleans.ClusterTests.Progress;

public sealed class RunFollowerTests
{
    [Fact]
    public async Task A_call_whose_time_is_over_because_the_machine_slept_is_made_again()
    {
        var view = DispatchProxy.Create<IRunViewGrain, LateView>();
        await using var reporter = new JsonReporter(TextWriter.Null, TextWriter.Null, quiet: true);
        var heard = new List<RunEvent>();

        var last = await new RunFollower(view, new RunProgress(), reporter).FollowAsync(heard.Add, CancellationToken.None);

        ((LateView)(object)view).Calls.Should().Be(3);
        heard.Select(happened => happened.Number).Should().Equal(1, 2);
        last.Should().BeOfType<RunFailed>();
    }

    /// <summary>Answers the second call too late. A class that names the grain's interface would be taken for a grain.</summary>
    public class LateView : DispatchProxy
    {
        public int Calls { get; private set; }

        protected override object Invoke(MethodInfo? targetMethod, object?[]? args) => ++Calls switch
        {
            1 => Task.FromResult(ImmutableArray.Create<RunEvent>(new EvaluationCompleted { Number = 1, Step = 1, ValidationLoss = 1 })),
            2 => Task.FromException<ImmutableArray<RunEvent>>(new TimeoutException("no answer in time")),
            _ => Task.FromResult(ImmutableArray.Create<RunEvent>(new RunFailed { Number = (long)args![0]! + 1, Step = 1, Failure = "enough" })),
        };
    }
}
