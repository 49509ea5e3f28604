using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Host.CommandLine.Settings;
using IotaOrleans.Host.Hosting;
using IotaOrleans.Host.Storage;

namespace IotaOrleans.Host.CommandLine.Cluster;

/// <summary><c>iota join</c>: a silo that hosts miners and works until it is told to leave.</summary>
internal sealed class JoinCommand : IotaCommand
{
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(3);

    private readonly Setting<DnsEndPoint?> _cluster = new(
        SettingGroups.Swarm, "--cluster", "The control silo to join", ClusterSettings.HostAndPort(), null);

    private readonly Setting<StoreAddress?> _store = RunSettings.StoreOf("Instead of --cluster: the PostgreSQL database in which the cluster keeps the list of its silos");

    private readonly Setting<IReadOnlyList<string>?> _miners = new(
        SettingGroups.Swarm, "--miner", "Name of the miner, or several with commas; the same name is the same miner, whenever it comes back",
        Values.Names("NAME"), null, "the machine's name");

    private readonly Setting<int?> _lanes = new(
        SettingGroups.Swarm, "--lanes", "Stages that compute at the same time, one processor core each", Values.Whole(1, 1024).OrNone(), null, "one per miner, at most the cores");

    private readonly Setting<double> _processorShare = new(
        SettingGroups.Swarm, "--processor-share", "Most of the time that each lane computes, for a machine that has other work too", Values.Number(0, 1, aboveMinimum: true), 1);

    private readonly Setting<string?> _key = new(
        SettingGroups.Swarm, "--key", "File with the key (PEM, ECDSA on P-256) by which the miners sign what they did; made when it is missing", Values.Text("FILE"), null, "a key for as long as the program runs");

    private readonly ClusterSettings _endpoints = new(defaultSiloPort: 0);
    private readonly VerboseSetting _output = new();

    private readonly Option<bool> _leaveWithInput = new(ChildSilo.LeaveWithInputOption)
    {
        Hidden = true,
        Description = "Leave when a line comes from standard input, and end when that ends: for silos that another process starts",
    };

    private readonly Option<string?> _siloName = new(ChildSilo.SiloNameOption)
    {
        Hidden = true,
        Description = "What the cluster's list of members calls the silo: for silos that another process starts",
    };

    public JoinCommand()
        : base("join", "Hosts a miner that works for a cluster.")
    {
        Option[] options = [_cluster, _store, _miners, _lanes, _processorShare, _key];
        foreach (var option in options)
        {
            Options.Add(option);
        }

        Use(_endpoints, _output);
        Options.Add(_leaveWithInput);
        Options.Add(_siloName);
    }

    public override IReadOnlyList<(string Line, string Meaning)> Examples =>
    [
        ("iota join --cluster control.example:11111", "Work for a cluster under this machine's name"),
        ("iota join --cluster control.example:11111 --processor-share 0.5", "Keep half of the machine for yourself"),
    ];

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var isChild = parsed.GetValue(_leaveWithInput);
        var miners = _miners.Of(parsed) ?? [ClusterSettings.MachineName];
        var store = _cluster.IsGiven(parsed) ? null : _store.Of(parsed);
        var server = store?.Resolve() ?? await ResolveAsync(_cluster.Of(parsed), cancellationToken);
        var endpoints = _endpoints.Read(parsed, server) with { Store = store, SiloName = parsed.GetValue(_siloName) };
        var logging = new HostLogging { Notice = Console.Error.WriteLine, Verbose = _output.Verbose.Of(parsed) };
        using var interruption = new Interruption(beforeLeaving: () => { });
        // A child hears of Ctrl+C through its parent, which stops the run first.
        var leave = isChild ? ToldToLeaveAsync() : interruption.WaitAsync();
        using var host = MinerHost.Build(
            endpoints, new IotaSiloOptions { Miners = miners, Lanes = _lanes.Of(parsed) ?? ControlHost.Lanes(miners.Count), ProcessorShare = _processorShare.Of(parsed), KeyFile = _key.Of(parsed) }, logging);
        if (store is null)
        {
            await ControlSilo.WaitForAsync(server, interruption.Requested);
        }
        else
        {
            await using var database = new PostgresDatabase(store);
            await database.RequireAsync(interruption.Requested);
        }

        var cluster = store is null ? server.ToString() : $"cluster {endpoints.ClusterId} of {store}";
        await StartAsync(host, cluster);
        logging.Started();
        await Console.Out.WriteLineAsync($"joined {cluster} as {string.Join(", ", miners)}; Ctrl+C leaves");
        await leave;
        await LeaveAsync(host.Services.GetRequiredService<IGrainFactory>(), miners);
        using var patience = new CancellationTokenSource(StopPatience);
        try
        {
            await host.StopAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // The cluster notices by itself.
        }

        return (int)ExitCode.Success;
    }

    /// <summary>What the miners have learnt is merged before they go, if that can be done soon.</summary>
    private static async Task LeaveAsync(IGrainFactory grains, IReadOnlyList<string> miners)
    {
        try
        {
            await Task.WhenAll(miners.Select(async miner =>
            {
                if ((await grains.GetGrain<IMinerGrain>(miner).GetAsync()).Run is { } run)
                {
                    await grains.GetGrain<ITrainingRunGrain>(run).LeaveAsync(miner);
                }
            })).WaitAsync(LeavePatience);
        }
#pragma warning disable CA1031 // The cluster goes on without us either way.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }

    private static async Task StartAsync(IHost host, string cluster)
    {
        try
        {
            await host.StartAsync();
        }
        catch (Exception failure) when (failure is not IotaException)
        {
            throw new IotaException(
                ExitCode.Environment,
                $"{cluster} did not let this silo join ({failure.GetBaseException().GetType().Name}); check that --cluster names a control silo and that --cluster-id is its own, or see why with --verbose",
                failure);
        }
    }

    private static async Task<IPEndPoint> ResolveAsync(DnsEndPoint? cluster, CancellationToken cancellationToken)
    {
        if (cluster is null)
        {
            throw new IotaException(ExitCode.Usage, "--cluster is missing: give --cluster HOST:PORT, or set IOTA_CLUSTER; or --store, when the cluster keeps the list of its silos in PostgreSQL");
        }

        try
        {
            var addresses = await Dns.GetHostAddressesAsync(cluster.Host, AddressFamily.InterNetwork, cancellationToken);
            return new IPEndPoint(addresses[0], cluster.Port);
        }
        catch (SocketException failure)
        {
            throw new IotaException(ExitCode.Environment, $"--cluster: {cluster.Host} cannot be found: {failure.Message}", failure);
        }
    }

    /// <summary>Waits for the parent's word. When the input ends without one, the parent has died: there is nobody to work for, and nobody to hand anything over to.</summary>
    private static async Task ToldToLeaveAsync()
    {
        using var input = new StreamReader(Console.OpenStandardInput());
        if (await input.ReadLineAsync() is null)
        {
            Environment.Exit((int)ExitCode.Interrupted);
        }
    }
}
