using System.CommandLine;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>The page that shows the run, and where telemetry goes.</summary>
internal sealed class WebSettings : ISettings
{
    public Setting<int> HttpPort { get; } = new(
        SettingGroups.Web, "--http-port", "Port of the page and the API, on this machine only; 0 takes any free one", Values.Whole(0, 65_535), 0);

    public Flag NoHttp { get; } = new(SettingGroups.Web, "--no-http", "Serve neither page nor API");

    public Setting<Uri?> OtlpEndpoint { get; } = new(
        SettingGroups.Web, "--otlp-endpoint", "Send traces and metrics to an OpenTelemetry collector", Values.Address(), null);

    public IEnumerable<Option> All => [HttpPort, NoHttp, OtlpEndpoint];
}
