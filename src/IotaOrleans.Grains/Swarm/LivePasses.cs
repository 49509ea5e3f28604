using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Protocol.Swarm;
using IotaOrleans.Tensors;
using IotaOrleans.Training.Stages;

namespace IotaOrleans.Grains.Swarm;

/// <summary>
/// The micro-batches that one shard ran forward and not yet backward, and the replicas of the next stage at which they are: each goes to the one that
/// can begin first, and to another one when it is refused, when that replica leaves, or when its gradient does not come back in time. Used on the lane.
/// </summary>
internal sealed class LivePasses(ShardAssignment assignment, StageTrainer trainer, SwarmFrames frames, RunningClock clock)
{
    private const int PatienceFactor = 20;
    private static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(5);

    private readonly NextHops _hops = new();
    private readonly Dictionary<long, LivePass> _passes = [];

    /// <summary>Whether the next stage works on something whose gradient comes back to this shard.</summary>
    public bool AwaitsAnswers => _passes.Values.Any(pass => pass.Next is not null);

    private TrainingRunSpecification Specification => assignment.Specification;

    /// <summary>Changes who works in the next stage. What was at a miner that left, or at nobody, is sent to another one.</summary>
    public void SetNextStage(ImmutableArray<string> miners)
    {
        _hops.Set(miners);
        Resend(pass => pass.Next is not { } next || !_hops.Peers.Contains(next), refused: null);
    }

    public bool Contains(long number) => _passes.ContainsKey(number);

    public bool TryGet(long number, [NotNullWhen(true)] out LivePass? pass) => _passes.TryGetValue(number, out pass);

    /// <summary>Adds a micro-batch of the last stage: its gradient comes from nobody.</summary>
    public void Add(long number, ImmutableArray<string> pathway) => _passes[number] = new LivePass(pathway, Next: null, Ahead: 0, clock.Now);

    /// <summary>Adds a micro-batch and sends it to the next stage.</summary>
    /// <param name="number">The micro-batch.</param>
    /// <param name="pathway">The miners that ran it so far, this one included.</param>
    /// <param name="output">Its activation, which is the transport's from here on.</param>
    public void Send(long number, ImmutableArray<string> pathway, TensorFrame output) => Send(number, pathway, output, refused: null);

    /// <summary>Notes that the gradient of a micro-batch came back.</summary>
    public void Answered(LivePass pass)
    {
        if (pass.Next is not null)
        {
            _hops.Answered(pass.Next, clock.Now - pass.Sent, pass.Ahead);
        }
    }

    /// <summary>Removes a micro-batch that was run backward.</summary>
    public void Remove(long number) => _passes.Remove(number);

    /// <summary>Sends a micro-batch to another miner because the gradient that one sent was refused; it may be elsewhere by now.</summary>
    public void Refuse(long number, string sender)
    {
        if (_passes.TryGetValue(number, out var pass) && pass.Next == sender)
        {
            Resend(number, pass, sender);
        }
    }

    /// <summary>Sends what is at a miner to another one, if there is another.</summary>
    public void Reroute(string refused) => Resend(pass => pass.Next == refused, refused);

    /// <summary>Sends once more what has been under way for so much longer than usual that it must have been lost.</summary>
    public void ResendLost()
    {
        var now = clock.Now;
        foreach (var miner in _passes.Values.Where(IsLost).Select(pass => pass.Next!).Distinct().ToArray())
        {
            Resend(pass => pass.Next == miner && IsLost(pass), miner);
        }

        bool IsLost(LivePass pass) => pass.Next is { } next && now - pass.Sent > Patience(next, pass.Ahead);
    }

    private void Resend(Func<LivePass, bool> applies, string? refused)
    {
        foreach (var (number, pass) in _passes.Where(entry => applies(entry.Value)).ToArray())
        {
            Resend(number, pass, refused);
        }
    }

    private void Resend(long number, LivePass pass, string? refused)
    {
        var output = frames.RentActivation(FrameKind.Activation, number, frames.IdOf(number), Specification.MicroBatchSize, pass.Pathway);
        trainer.Repeat(number, output.Payload.Span);
        if (pass.Next is not null)
        {
            _hops.GaveUp(pass.Next, clock.Now - pass.Sent, pass.Ahead);
        }

        Send(number, pass.Pathway, output, refused);
    }

    private void Send(long number, ImmutableArray<string> pathway, TensorFrame output, string? refused)
    {
        if (_hops.Choose(number, refused) is not { } next)
        {
            output.Dispose();
            Add(number, pathway);
            return;
        }

        _passes[number] = new LivePass(pathway, next, _hops.UnderWay(next), clock.Now);
        frames.Send(assignment.Stage + 1, next, output);
    }

    private TimeSpan Patience(string miner, int ahead) => LeastPatience + (PatienceFactor * Math.Max(1, ahead) * _hops.TimeOf(miner));
}
