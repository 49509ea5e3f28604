using Orleans.Runtime;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Runtime.Placement;

namespace IotaOrleans.Grains.Placement;

/// <summary>
/// Finds silos by their metadata. Orleans' own metadata filters compare with the caller, which for a client has none; these ask
/// what the target silo is.
/// </summary>
internal sealed class RolePlacementDirector(ISiloMetadataCache metadata, TimeProvider time) : IPlacementDirector
{
    // A silo that has just joined is a member before its metadata has been fetched.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <inheritdoc />
    public async Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var (key, value) = strategy is MinerPlacement
            ? (SiloRoles.MinersKey, ShardKey.Parse(target.GrainIdentity.Key.ToString()!).Miner)
            : (SiloRoles.RolesKey, SiloRoles.Control);
        var deadline = time.GetUtcNow() + Patience;
        while (true)
        {
            // Ordered, and chosen by the grain's hash: callers on different silos agree.
            var suitable = context.GetCompatibleSilos(target).Where(silo => Has(silo, key, value)).Order().ToArray();
            if (suitable.Length > 0)
            {
                return suitable[(int)(target.GrainIdentity.GetUniformHashCode() % (uint)suitable.Length)];
            }

            if (time.GetUtcNow() >= deadline)
            {
                throw new IotaException(
                    ExitCode.RunState,
                    key == SiloRoles.MinersKey ? $"no silo hosts miner {value}: it left, or never joined" : "no control silo is reachable");
            }

            await Task.Delay(Interval, time);
        }
    }

    private bool Has(SiloAddress silo, string key, string value) =>
        metadata.GetSiloMetadata(silo).Metadata.TryGetValue(key, out var list) && list.Split(',').Contains(value, StringComparer.Ordinal);
}
