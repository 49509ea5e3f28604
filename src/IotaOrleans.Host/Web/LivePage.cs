using System.Security.Cryptography;
using System.Text;

namespace IotaOrleans.Host.Web;

/// <summary>
/// The page that shows a run: one document with its style and script inside, so it needs no other resource and no network.
/// The content security policy allows exactly these bytes, by their hashes.
/// </summary>
internal sealed class LivePage
{
    private static readonly string[] Scripts = ["format.js", "chart.js", "page.js"];

    private LivePage(string html, string contentSecurityPolicy)
    {
        Html = html;
        ContentSecurityPolicy = contentSecurityPolicy;
    }

    /// <summary>The document.</summary>
    public string Html { get; }

    /// <summary>The header that belongs to it.</summary>
    public string ContentSecurityPolicy { get; }

    /// <summary>Puts the document together from the program's resources.</summary>
    public static LivePage Load()
    {
        var style = Read("page.css");
        var script = string.Join('\n', Scripts.Select(Read));
        var html = Read("page.html").Replace("/*style*/", style, StringComparison.Ordinal).Replace("/*script*/", script, StringComparison.Ordinal);
        var policy = $"default-src 'none'; style-src {Hash(style)}; script-src {Hash(script)}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        return new LivePage(html, policy);
    }

    private static string Hash(string content) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(content)))}'";

    private static string Read(string asset)
    {
        var resource = $"IotaOrleans.Host.Web.Assets.{asset}";
        using var stream = typeof(LivePage).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"the program was built without its resource {resource}");
        using var reader = new StreamReader(stream, Encoding.UTF8);

        // A browser hashes what it parsed, and parsing turns every line ending into a line feed.
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
