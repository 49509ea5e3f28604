using System.Net;

namespace IotaOrleans.Host.Web;

/// <summary>Where the page and the API are served, and to whom.</summary>
internal sealed class WebOptions
{
    /// <summary>The address to listen on. Default: this machine only.</summary>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>The port to listen on; 0, the default, takes any free one.</summary>
    public int Port { get; set; }

    /// <summary>
    /// What other machines must present: <c>Authorization: Bearer token</c>, or the password of a browser's own sign-in.
    /// Without a token other machines may read the API, the page and the metrics, and Orleans' dashboard is closed to them.
    /// </summary>
    public string? DashboardToken { get; set; }

    /// <summary>The address as a number. Valid options only.</summary>
    public IPAddress IPAddress => ParseAddress(Address) ?? throw new FormatException($"'{Address}' is not an IP address");

    /// <summary>Whether only this machine can connect.</summary>
    public bool IsLoopback => IPAddress.IsLoopback(IPAddress);

    internal static IPAddress? ParseAddress(string address) =>
        address == "localhost" ? IPAddress.Loopback : IPAddress.TryParse(address, out var parsed) ? parsed : null;
}
