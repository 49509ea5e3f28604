using System.Security.Cryptography;
using System.Text;

namespace IotaOrleans;

/// <summary>
/// Published before the first upload: it binds the orchestrator to the secret that the butterfly map follows from, and shows nothing of it.
/// </summary>
/// <param name="Merge">The merge.</param>
/// <param name="Sha256">SHA-256 of the merge's name, a zero byte and the secret, in lower-case hexadecimal.</param>
[GenerateSerializer, Immutable, Alias("IotaOrleans.MergeCommitment")]
public sealed record MergeCommitment([property: Id(0)] MergeId Merge, [property: Id(1)] string Sha256)
{
    /// <summary>Length of a secret in bytes.</summary>
    public const int SecretBytes = 32;

    /// <summary>Commits to a secret.</summary>
    /// <exception cref="ArgumentException">The secret is not 32 bytes long.</exception>
    public static MergeCommitment To(MergeId merge, ReadOnlySpan<byte> secret)
    {
        if (secret.Length != SecretBytes)
        {
            throw new ArgumentException($"a merge's secret is {SecretBytes} random bytes, not {secret.Length}", nameof(secret));
        }

        byte[] message = [.. Encoding.UTF8.GetBytes(merge.ToString()), 0, .. secret];
        return new MergeCommitment(merge, Convert.ToHexStringLower(SHA256.HashData(message)));
    }

    /// <summary>Whether a secret, revealed after the merge, is the one that was committed to.</summary>
    public bool Verify(ReadOnlySpan<byte> secret) =>
        secret.Length == SecretBytes && string.Equals(To(Merge, secret).Sha256, Sha256, StringComparison.Ordinal);
}
