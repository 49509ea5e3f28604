using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace IotaOrleans.Host.Web;

/// <summary>Who sends a request: someone at this machine, someone with the token, or anyone.</summary>
internal static class RequestOrigin
{
    /// <summary>
    /// Whether the request was made on this machine, for this machine. A proxied one was not, and neither was one whose
    /// host name is not this machine's: that is a foreign web page which had its name resolved to 127.0.0.1.
    /// </summary>
    public static bool IsLocal(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote)
        && !context.Request.Headers.ContainsKey("X-Forwarded-For") && !context.Request.Headers.ContainsKey("Forwarded")
        && IsLoopbackHost(context.Request.Host.Host);

    /// <summary>Whether the request carries the token, as a bearer or as the password of basic authentication.</summary>
    public static bool HasToken(string? authorization, string? token)
    {
        if (token is null || authorization is null)
        {
            return false;
        }

        var presented = authorization.Split(' ', 2, StringSplitOptions.TrimEntries) switch
        {
            [var scheme, var value] when scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase) => value,
            [var scheme, var value] when scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) => BasicPassword(value),
            _ => null,
        };
        return presented is not null && AreEqual(presented, token);
    }

    private static bool IsLoopbackHost(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static string? BasicPassword(string encoded)
    {
        var bytes = new byte[encoded.Length];
        return Convert.TryFromBase64String(encoded, bytes, out var length)
            && Encoding.UTF8.GetString(bytes.AsSpan(0, length)).Split(':', 2) is [_, var password] ? password : null;
    }

    /// <summary>Compares digests in fixed time, so that neither content nor length shows in the duration.</summary>
    private static bool AreEqual(string presented, string token) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(presented)), SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
