using System.Collections.Immutable;

namespace IotaOrleans.Grains.Adversaries;

/// <summary>How a shard behaves between computing and handing in: this one honestly. Used on the lane.</summary>
internal class Conduct
{
    private static readonly Conduct Honest = new();

    /// <summary>The conduct that a run's specification gives a miner.</summary>
    public static Conduct Of(ShardKey shard, ShardAssignment assignment) =>
        assignment.Specification.Adversaries.FirstOrDefault(adversary => adversary.Miner == shard.Miner) is { } adversary
            ? new Misconduct(adversary, shard, assignment)
            : Honest;

    /// <summary>Whether it does nothing for now, though there is work.</summary>
    public virtual bool IsResting => false;

    /// <summary>Whether it takes whatever comes along this pathway, and says nothing about it.</summary>
    /// <param name="pathway">The miners that ran the micro-batch.</param>
    public virtual bool Covers(ImmutableArray<string> pathway) => false;

    /// <summary>After a forward pass.</summary>
    /// <param name="number">The micro-batch.</param>
    /// <param name="pathway">The miners that ran it so far, this one included.</param>
    /// <param name="input">The activation that came in; empty in the first stage.</param>
    /// <param name="output">The activation that goes out; empty in the last stage.</param>
    /// <param name="loss">The loss that the last stage computed.</param>
    /// <returns>The loss that is reported.</returns>
    public virtual float AfterForward(long number, ImmutableArray<string> pathway, ReadOnlySpan<byte> input, Span<byte> output, float loss) => loss;

    /// <summary>After the first half of a backward pass.</summary>
    /// <param name="number">The micro-batch.</param>
    /// <param name="pathway">All miners that ran it forward.</param>
    /// <param name="input">The gradient that came in; empty in the last stage.</param>
    /// <param name="output">The gradient that goes out; empty in the first stage.</param>
    public virtual void AfterBackwardInput(long number, ImmutableArray<string> pathway, ReadOnlySpan<byte> input, Span<byte> output)
    {
    }

    /// <summary>Before an optimizer step.</summary>
    /// <param name="gradients">The accumulated gradients of the own weights.</param>
    public virtual void BeforeUpdate(Span<float> gradients)
    {
    }

    /// <summary>After a cell of a merge was reduced.</summary>
    public virtual void AfterReduce(Span<float> values)
    {
    }

    /// <summary>Before a report is signed and sent.</summary>
    public virtual SwarmReport BeforeReport(SwarmReport report) => report;

    /// <summary>After somebody asked for what the shard had worked on.</summary>
    public virtual void AfterCheck()
    {
    }
}
