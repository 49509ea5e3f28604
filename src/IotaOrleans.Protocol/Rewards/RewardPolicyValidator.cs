namespace IotaOrleans.Protocol.Rewards;

/// <summary>Refuses rules by which nobody could be paid rightly.</summary>
public static class RewardPolicyValidator
{
    /// <exception cref="ArgumentOutOfRangeException">A rule is out of its range.</exception>
    public static void Validate(RewardPolicy policy)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(policy.Emission, nameof(policy.Emission));
        ArgumentOutOfRangeException.ThrowIfNegative(policy.Burn, nameof(policy.Burn));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(policy.Burn, RewardPolicy.Whole, nameof(policy.Burn));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(policy.LargestShare, nameof(policy.LargestShare));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(policy.LargestShare, RewardPolicy.Whole, nameof(policy.LargestShare));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(policy.Window, nameof(policy.Window));
    }
}
