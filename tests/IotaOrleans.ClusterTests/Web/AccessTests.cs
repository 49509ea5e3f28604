using System.Net;
using System.Net.Http.Headers;
using System.Text;
using IotaOrleans.ClusterTests.Grains;
using Microsoft.AspNetCore.Http;

namespace IotaOrleans.ClusterTests.Web;

/// <summary>
/// Who may see what. The silo under test listens on every interface; a request "from elsewhere" carries the header of a
/// proxy, by which the server must know that it was not made on this machine.
/// </summary>
public sealed class AccessTests
{
    private const string Token = "correct-horse-battery";

    [Fact]
    public async Task With_a_token_other_machines_see_only_health_until_they_present_it()
    {
        await using var silo = await StartAsync(Token);

        (await StatusAsync(silo, "/health/live")).Should().Be(HttpStatusCode.OK);
        foreach (var path in new[] { "/", "/api/v1/runs", "/metrics", "/orleans/", "/api/v1/runs/seen/events" })
        {
            (await StatusAsync(silo, path)).Should().Be(HttpStatusCode.Unauthorized, path);
            (await StatusAsync(silo, path, new("Bearer", Token + "!"))).Should().Be(HttpStatusCode.Unauthorized, path);
            (await StatusAsync(silo, path, new("Basic", Base64($"{Token}:wrong")))).Should().Be(HttpStatusCode.Unauthorized, path);
            (await StatusAsync(silo, path, new("Bearer", Token))).Should().Be(HttpStatusCode.OK, path);
            (await StatusAsync(silo, path, new("Basic", Base64($"anyone:{Token}")))).Should().Be(HttpStatusCode.OK, path);
        }
    }

    [Fact]
    public async Task Without_a_token_other_machines_may_read_but_not_open_the_dashboard_of_Orleans()
    {
        await using var silo = await StartAsync(token: null);

        foreach (var path in new[] { "/", "/api/v1/runs", "/metrics", "/health/ready" })
        {
            (await StatusAsync(silo, path)).Should().Be(HttpStatusCode.OK, path);
        }

        foreach (var path in new[] { "/orleans/", "/orleans/DashboardCounters" })
        {
            (await StatusAsync(silo, path)).Should().Be(HttpStatusCode.Forbidden, path);
        }

        (await BodyAsync(silo, "/orleans/")).Should().Contain("IOTA_DASHBOARD_TOKEN");
    }

    [Fact]
    public async Task This_machine_sees_everything_without_a_token()
    {
        await using var silo = await StartAsync(Token);

        foreach (var path in new[] { "/", "/api/v1/runs", "/metrics", "/orleans/", "/orleans/DashboardCounters" })
        {
            using var response = await silo.Client.GetAsync(path);
            response.StatusCode.Should().Be(HttpStatusCode.OK, path);
        }
    }

    [Fact]
    public async Task A_foreign_page_whose_name_was_pointed_at_this_machine_reads_nothing()
    {
        await using var silo = await WebSilo.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/runs") { Headers = { Host = "evil.example" } };

        using var response = await silo.Client.SendAsync(request);

        response.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await response.Content.ReadAsStringAsync()).Should().Contain("127.0.0.1");
    }

    [Theory]
    [InlineData("127.0.0.1", "localhost:8080", true)]
    [InlineData("::1", "[::1]:8080", true)]
    [InlineData("::ffff:127.0.0.1", "127.0.0.1", true)]
    [InlineData("127.0.0.1", "iota.example", false)]
    [InlineData("10.0.0.7", "localhost", false)]
    public void Only_a_loopback_connection_to_a_loopback_name_is_local(string remote, string host, bool local)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(remote);
        context.Request.Host = new HostString(host);

        IotaOrleans.Host.Web.RequestOrigin.IsLocal(context).Should().Be(local);
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Basic")]
    [InlineData("Basic ????")]
    [InlineData("Basic Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5")]
    [InlineData("correct-horse-battery")]
    [InlineData("Digest correct-horse-battery")]
    public void Malformed_credentials_are_no_credentials(string authorization) =>
        IotaOrleans.Host.Web.RequestOrigin.HasToken(authorization, Token).Should().BeFalse();

    private static async Task<WebSilo> StartAsync(string? token)
    {
        var silo = await WebSilo.StartAsync("0.0.0.0", token);
        await silo.View("seen").PublishAsync(RunPhase.Training, [RunEvents.Started("seen")]);
        return silo;
    }

    private static async Task<HttpStatusCode> StatusAsync(WebSilo silo, string path, AuthenticationHeaderValue? authorization = null)
    {
        using var response = await SendAsync(silo, path, authorization);
        return response.StatusCode;
    }

    private static async Task<string> BodyAsync(WebSilo silo, string path)
    {
        using var response = await SendAsync(silo, path, authorization: null);
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task<HttpResponseMessage> SendAsync(WebSilo silo, string path, AuthenticationHeaderValue? authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = authorization;
        request.Headers.Add("X-Forwarded-For", "203.0.113.9");
        return await silo.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
