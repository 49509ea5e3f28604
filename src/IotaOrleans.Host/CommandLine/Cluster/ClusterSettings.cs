using System.CommandLine;
using System.Globalization;
using System.Net;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Hosting;

namespace IotaOrleans.Host.CommandLine.Cluster;

/// <summary>How a silo is reached by the others of its cluster.</summary>
internal sealed class ClusterSettings(int defaultSiloPort) : ISettings
{
    /// <summary>The machine's name as far as it can name a miner.</summary>
    public static string MachineName { get; } =
        new string([.. Environment.MachineName.ToLowerInvariant().Where(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.')]) is { Length: > 0 } name
            ? name
            : "miner";

    public Setting<string?> ClusterId { get; } = new(
        SettingGroups.Swarm, "--cluster-id", "Silos with another id are refused", Values.Name("NAME"), "iota");

    public Setting<int> SiloPort { get; } = PipelineSettings.ControlPort(defaultSiloPort);

    public Setting<IPAddress?> AdvertisedAddress { get; } = PipelineSettings.ControlAddress();

    public Setting<TensorTransportKind> Transport { get; } = PipelineSettings.TensorTransport();

    public Setting<int> TensorPort { get; } = new(
        SettingGroups.Swarm, "--tensor-port", "Port on which other silos' tensors arrive; 0 takes any free one", Values.Whole(0, 65_535), 0);

    public IEnumerable<Option> All => [ClusterId, SiloPort, AdvertisedAddress, Transport, TensorPort];

    public SiloEndpoints Read(ParseResult parsed, IPEndPoint? primary)
    {
        var port = SiloPort.Of(parsed);
        var address = AdvertisedAddress.IsGiven(parsed) || primary is null || IPAddress.IsLoopback(primary.Address)
            ? AdvertisedAddress.Of(parsed)!
            : SiloEndpoints.AddressTowards(primary);
        var own = new IPEndPoint(address, port == 0 ? LoopbackPorts.Free() : port);
        return new SiloEndpoints(ClusterId.Of(parsed)!, address, own.Port, primary ?? own) { Transport = Transport.Of(parsed), TensorPort = TensorPort.Of(parsed) };
    }

    public static ValueParser<DnsEndPoint?> HostAndPort()
    {
        static bool TryParse(string text, out DnsEndPoint? value)
        {
            var colon = text.LastIndexOf(':');
            value = colon > 0 && ushort.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
                && Uri.CheckHostName(text[..colon]) is UriHostNameType.Dns or UriHostNameType.IPv4
                ? new DnsEndPoint(text[..colon], port)
                : null;
            return value is not null;
        }

        return new ValueParser<DnsEndPoint?>("HOST:PORT", "of the form HOST:PORT, like 127.0.0.1:11111", TryParse, _ => null);
    }
}
