using System.Collections.Immutable;

namespace IotaOrleans;

/// <summary>One reward epoch of a run, keyed by run/epoch: settles the work that is in the ledger, once.</summary>
[Alias("IotaOrleans.IRewardEpochGrain")]
public interface IRewardEpochGrain : IGrainWithStringKey
{
    /// <summary>Closes the epoch and pays. A second call changes nothing and returns the first settlement.</summary>
    [Alias("Close")]
    Task<EpochSettlement> CloseAsync(RewardPolicy policy);

    /// <summary>The settlement, or null while the epoch is open.</summary>
    [Alias("Get")]
    Task<EpochSettlement?> GetAsync();
}

/// <summary>One line of an epoch's settlement.</summary>
/// <param name="Miner">Who is paid.</param>
/// <param name="Stage">The stage it held.</param>
/// <param name="BackwardPasses">Counted backward passes.</param>
/// <param name="Tokens">Tokens in them.</param>
/// <param name="Paid">Reward units.</param>
/// <param name="Reason">Why this much: a sentence and a line for each reason.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.Payslip")]
public sealed record Payslip(
    [property: Id(0)] string Miner,
    [property: Id(1)] int Stage,
    [property: Id(2)] long BackwardPasses,
    [property: Id(3)] long Tokens,
    [property: Id(4)] long Paid,
    [property: Id(5)] string Reason);

/// <summary>The result of closing an epoch: what was emitted is what was paid plus what was burned, to the unit.</summary>
/// <param name="Run">The run.</param>
/// <param name="Epoch">The epoch, from zero.</param>
/// <param name="Emission">Reward units of the epoch.</param>
/// <param name="Burned">Units that nobody earned.</param>
/// <param name="Payslips">One line per miner and stage, in stage order.</param>
/// <param name="ClosedAt">When.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.EpochSettlement")]
public sealed record EpochSettlement(
    [property: Id(0)] string Run,
    [property: Id(1)] int Epoch,
    [property: Id(2)] long Emission,
    [property: Id(3)] long Burned,
    [property: Id(4)] ImmutableArray<Payslip> Payslips,
    [property: Id(5)] DateTimeOffset ClosedAt);
