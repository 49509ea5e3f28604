using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace IotaOrleans.Host.Web;

/// <summary>Recognises requests from this machine and requests with the token, and tells others what is missing.</summary>
internal sealed class TokenAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> schemes, ILoggerFactory logging, UrlEncoder encoder, IOptions<WebOptions> web)
    : AuthenticationHandler<AuthenticationSchemeOptions>(schemes, logging, encoder)
{
    public const string SchemeName = "IotaOrleans";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var name = RequestOrigin.IsLocal(Context) ? "local"
            : RequestOrigin.HasToken(Request.Headers.Authorization, web.Value.DashboardToken) ? "token"
            : null;
        if (name is null)
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], SchemeName);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName)));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (web.Value.DashboardToken is null)
        {
            var remedy = web.Value.IsLoopback
                ? "Open it by the address 127.0.0.1 or the name localhost."
                : $"Set {HostDefaults.DashboardTokenVariable} on the silo, or connect from its own machine.";
            return RefuseAsync(StatusCodes.Status403Forbidden, "This is served to its own machine only", remedy);
        }

        // Browsers ask for the password of a basic sign-in by themselves, and then send it with every request of a page.
        Response.Headers.Append(HeaderNames.WWWAuthenticate, "Bearer");
        Response.Headers.Append(HeaderNames.WWWAuthenticate, $"Basic realm=\"{SchemeName}\", charset=\"UTF-8\"");
        return RefuseAsync(
            StatusCodes.Status401Unauthorized, "A token is needed",
            $"Send 'Authorization: Bearer TOKEN' with the value of {HostDefaults.DashboardTokenVariable}; in a browser it is the password, with any user name.");
    }

    private Task RefuseAsync(int status, string title, string detail) =>
        TypedResults.Problem(statusCode: status, title: title, detail: detail).ExecuteAsync(Context);
}
