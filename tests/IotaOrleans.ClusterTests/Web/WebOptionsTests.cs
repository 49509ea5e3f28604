using IotaOrleans.Host.Web;
using Microsoft.AspNetCore.Builder;

namespace IotaOrleans.ClusterTests.Web;

public sealed class WebOptionsTests
{
    [Theory]
    [InlineData("127.0.0.1", 0, null)]
    [InlineData("localhost", 8080, null)]
    [InlineData("0.0.0.0", 65_535, "0123456789abcdef")]
    [InlineData("::", 1, null)]
    public void Sound_options_pass(string address, int port, string? token) => Validate(address, port, token).Should().BeNull();

    [Theory]
    [InlineData("example.org", 8080, null, "IOTA_HTTP_ADDRESS", "0.0.0.0 for every interface")]
    [InlineData("", 8080, null, "IOTA_HTTP_ADDRESS", "127.0.0.1")]
    [InlineData("127.0.0.1", 65_536, null, "IOTA_HTTP_PORT", "1 to 65535")]
    [InlineData("127.0.0.1", -1, null, "IOTA_HTTP_PORT", "0 for any free one")]
    [InlineData("127.0.0.1", 8080, "short", "IOTA_DASHBOARD_TOKEN", "openssl rand")]
    [InlineData("127.0.0.1", 8080, "has a space in its middle", "IOTA_DASHBOARD_TOKEN", "no spaces")]
    public void A_wrong_option_is_named_with_its_remedy(string address, int port, string? token, string setting, string remedy) =>
        Validate(address, port, token).Should().StartWith(setting).And.Contain(remedy);

    [Fact]
    public void A_wrong_option_ends_the_program_before_anything_listens()
    {
        var compose = () => WebApplication.CreateSlimBuilder().AddIotaWeb(new WebOptions { Address = "nowhere" });

        compose.Should().Throw<IotaException>().Which.ExitCode.Should().Be(ExitCode.Usage);
    }

    private static string? Validate(string address, int port, string? token) =>
        new WebOptionsValidator().Validate(null, new WebOptions { Address = address, Port = port, DashboardToken = token }).FailureMessage;
}
