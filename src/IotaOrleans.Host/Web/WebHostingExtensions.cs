using Microsoft.Extensions.Options;
using Orleans.Dashboard;

namespace IotaOrleans.Host.Web;

/// <summary>Puts the page, the API, health and metrics on a silo's own web server.</summary>
internal static class WebHostingExtensions
{
    /// <summary>Registers everything that <see cref="UseIotaWeb"/> serves, and the address that it is served on.</summary>
    /// <exception cref="IotaException">An option is wrong; the message names it and what would be right.</exception>
    public static WebApplicationBuilder AddIotaWeb(this WebApplicationBuilder builder, WebOptions options)
    {
        if (new WebOptionsValidator().Validate(name: null, options) is { Failed: true } invalid)
        {
            throw new IotaException(ExitCode.Usage, invalid.FailureMessage);
        }

        builder.Services.AddSingleton(Options.Create(options));
        builder.Services.AddIotaAccess();
        builder.Services.AddIotaHealth();
        builder.Services.AddProblemDetails();
        builder.Services.AddExceptionHandler<ClusterExceptionHandler>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(options.IPAddress, options.Port);
        });
        builder.UseOrleans(silo => silo.AddIotaDashboard());
        return builder;
    }

    /// <summary>
    /// Adds what Orleans' dashboard collects with. <see cref="AddIotaWeb"/> does so for its own silo; silos without a web
    /// server need it too, because the dashboard asks every silo and its grains may live on any.
    /// </summary>
    public static ISiloBuilder AddIotaDashboard(this ISiloBuilder silo) => silo.AddDashboard(dashboard =>
    {
        dashboard.HideTrace = true;
        // Every second, its default, costs a percent of a core in each silo.
        dashboard.CounterUpdateIntervalMs = 5_000;
    });

    /// <summary>Serves the page, the API, health, metrics and Orleans' dashboard.</summary>
    public static WebApplication UseIotaWeb(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.Use((context, next) =>
        {
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers["Referrer-Policy"] = "no-referrer";
            context.Response.Headers.XFrameOptions = "DENY";
            return next(context);
        });
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapIotaHealth();
        app.MapIotaApi();
        app.MapIotaPages();
        app.MapPrometheusScrapingEndpoint(HostDefaults.MetricsPath);
        app.MapOrleansDashboard(HostDefaults.OrleansDashboardPath).RequireAuthorization(AccessPolicies.Operator);
        return app;
    }
}
