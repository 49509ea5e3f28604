using System.Web;

namespace IotaOrleans.Host.Archive;

/// <summary>A place in an S3-compatible store. Keys come from where the store's other programs take them, like <c>AWS_ACCESS_KEY_ID</c>.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Prefix">What all names begin with: empty, or ending in a slash.</param>
/// <param name="Endpoint">The server, or null for Amazon's.</param>
/// <param name="Region">The region, or null for that of the environment.</param>
internal sealed record ArchiveAddress(string Bucket, string Prefix, Uri? Endpoint, string? Region)
{
    /// <summary>What an address has to look like.</summary>
    public const string Form = "s3://BUCKET/PREFIX?endpoint=http://HOST:PORT&region=NAME";

    /// <summary>Reads an address.</summary>
    public static bool TryParse(string text, out ArchiveAddress? address)
    {
        address = null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme != "s3" || url.Host.Length == 0)
        {
            return false;
        }

        var settings = HttpUtility.ParseQueryString(url.Query);
        Uri? endpoint = null;
        if (settings.AllKeys.Except(["endpoint", "region"]).Any()
            || (settings["endpoint"] is { } server && !(Uri.TryCreate(server, UriKind.Absolute, out endpoint) && endpoint.Scheme is "http" or "https")))
        {
            return false;
        }

        var prefix = Uri.UnescapeDataString(url.AbsolutePath).Trim('/');
        address = new ArchiveAddress(url.Host, prefix.Length == 0 ? "" : $"{prefix}/", endpoint, settings["region"]);
        return true;
    }

    /// <inheritdoc />
    public override string ToString() => $"s3://{Bucket}/{Prefix}";
}
