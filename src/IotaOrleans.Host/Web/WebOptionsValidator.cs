using System.Net;
using Microsoft.Extensions.Options;

namespace IotaOrleans.Host.Web;

/// <summary>Says which setting is wrong and what would be right.</summary>
internal sealed class WebOptionsValidator : IValidateOptions<WebOptions>
{
    /// <summary>Shorter tokens are guessed.</summary>
    public const int MinimumTokenLength = 16;

    public ValidateOptionsResult Validate(string? name, WebOptions options)
    {
        if (WebOptions.ParseAddress(options.Address) is null)
        {
            return ValidateOptionsResult.Fail(
                $"{HostDefaults.HttpAddressVariable}: '{options.Address}' is not an IP address: use 127.0.0.1 for this machine only, 0.0.0.0 for every interface");
        }

        if (options.Port is < 0 or > IPEndPoint.MaxPort)
        {
            return ValidateOptionsResult.Fail($"{HostDefaults.HttpPortVariable}: {options.Port} is not a port: use 1 to {IPEndPoint.MaxPort}, or 0 for any free one");
        }

        if (options.DashboardToken is { } token && (token.Length < MinimumTokenLength || token.Any(c => c is <= ' ' or > '~')))
        {
            return ValidateOptionsResult.Fail(
                $"{HostDefaults.DashboardTokenVariable}: a token has at least {MinimumTokenLength} printable ASCII characters and no spaces: make one with `openssl rand -hex 24`");
        }

        return ValidateOptionsResult.Success;
    }
}
