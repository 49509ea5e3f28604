using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace IotaOrleans.Host.Web;

/// <summary>
/// Two circles around the health endpoints, which anyone may ask. Readers see runs; operators also see Orleans' own
/// dashboard, which shows the state of every grain.
/// </summary>
internal static class AccessPolicies
{
    /// <summary>This machine, or whoever has the token.</summary>
    public const string Operator = "operator";

    /// <summary>Registers the policies; everything that names none is for readers.</summary>
    public static IServiceCollection AddIotaAccess(this IServiceCollection services)
    {
        services.AddAuthentication(TokenAuthentication.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, TokenAuthentication>(TokenAuthentication.SchemeName, configureOptions: null);
        services.AddAuthorization();
        services.AddOptions<AuthorizationOptions>().Configure<IOptions<WebOptions>>((authorization, web) =>
        {
            var operators = new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build();
            var isOpen = web.Value is { IsLoopback: false, DashboardToken: null };
            var readers = isOpen ? new AuthorizationPolicyBuilder().RequireAssertion(_ => true).Build() : operators;
            authorization.AddPolicy(Operator, operators);
            authorization.DefaultPolicy = operators;
            authorization.FallbackPolicy = readers;
        });
        return services;
    }
}
