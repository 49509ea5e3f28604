namespace IotaOrleans.Host.Web;

/// <summary>Serves the live page.</summary>
internal static class PageEndpoints
{
    /// <summary>Maps the page to <see cref="HostDefaults.PagePath"/>.</summary>
    public static IEndpointConventionBuilder MapIotaPages(this IEndpointRouteBuilder endpoints)
    {
        var page = LivePage.Load();
        return endpoints.MapGet(HostDefaults.PagePath, (HttpContext context) =>
        {
            context.Response.Headers.ContentSecurityPolicy = page.ContentSecurityPolicy;
            context.Response.Headers.CacheControl = "no-cache";
            return TypedResults.Content(page.Html, "text/html; charset=utf-8");
        });
    }
}
