using System.CommandLine;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Hosting;
using IotaOrleans.Host.Storage;
using IotaOrleans.Host.Telemetry;
using IotaOrleans.Host.Web;

namespace IotaOrleans.Host.CommandLine.Cluster;

/// <summary><c>iota serve</c>: a control silo that stays up, with its page, for miners to join.</summary>
internal sealed class ServeCommand : IotaCommand
{
    private const string DatabaseName = "cluster.db";

    private readonly Setting<string?> _runs = RunSettings.RunsFolder();
    private readonly Setting<StoreAddress?> _store = RunSettings.StoreOf("Keep the cluster's state, receipts and payouts, and the list of its silos, in PostgreSQL", "SQLite in the runs' folder");
    private readonly ClusterSettings _endpoints = new(HostDefaults.SiloPort);

    private readonly Setting<string?> _address = new(
        SettingGroups.Web, "--http-address", "Address that the page and the API listen on; 0.0.0.0 opens them to other machines", Values.Text("IP"), "127.0.0.1");

    private readonly Setting<int> _port = new(
        SettingGroups.Web, "--http-port", "Port of the page and the API; 0 takes any free one", Values.Whole(0, 65_535), HostDefaults.HttpPort);

    private readonly Setting<string?> _token = new(
        SettingGroups.Web, "--dashboard-token", "What other machines must present; better given by the variable, which other users cannot see", Values.Text("TOKEN"), null);

    private readonly Setting<Uri?> _collector = new(
        SettingGroups.Web, "--otlp-endpoint", "Send traces and metrics to an OpenTelemetry collector", Values.Address(), null);

    private readonly VerboseSetting _output = new();

    public ServeCommand()
        : base("serve", "Keeps a control silo up, with its page, for miners to join.")
    {
        Options.Add(_runs);
        Options.Add(_store);
        Use(_endpoints);
        Option[] web = [_address, _port, _token, _collector];
        foreach (var option in web)
        {
            Options.Add(option);
        }

        Use(_output);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
        [("iota serve --advertised-address 10.0.0.5", "Let miners of other machines join at 10.0.0.5:11111")];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var runs = Directory.CreateDirectory(_runs.Of(parsed)!).FullName;
        LoopbackPorts.Require(_port.Of(parsed), "--http-port");
        LoopbackPorts.Require(_endpoints.SiloPort.Of(parsed), "--silo-port");
        LoopbackPorts.Require(_endpoints.TensorPort.Of(parsed), "--tensor-port");
        using var interruption = new Interruption(beforeLeaving: () => { });
        var endpoints = _endpoints.Read(parsed, primary: null) with { Store = _store.Of(parsed) };
        await using var host = await ControlHost.StartAsync(
            new ControlHostOptions
            {
                Endpoints = endpoints,
                Database = Path.Combine(runs, DatabaseName),
                Web = new WebOptions { Address = _address.Of(parsed)!, Port = _port.Of(parsed), DashboardToken = _token.Of(parsed) },
                Telemetry = new TelemetryOptions { OtlpEndpoint = _collector.Of(parsed) },
                Logging = new HostLogging { Notice = Console.Error.WriteLine, Verbose = _output.Verbose.Of(parsed) },
            },
            interruption.Requested);
        await Console.Out.WriteLineAsync($"page       {host.Page}");
        await Console.Out.WriteLineAsync($"miners     iota join {(endpoints.Store is null ? $"--cluster {endpoints.Primary}" : "--store URL")} --cluster-id {endpoints.ClusterId}");
        await interruption.WaitAsync();
        return (int)ExitCode.Success;
    }
}
