using System.Net;
using System.Net.Sockets;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Host.Storage;
using Orleans.Configuration;

namespace IotaOrleans.Host.Hosting;

/// <summary>How a silo finds its cluster and is found by it.</summary>
/// <param name="ClusterId">Silos of another cluster id refuse each other.</param>
/// <param name="Address">The address that other silos use.</param>
/// <param name="SiloPort">The port between silos.</param>
/// <param name="Primary">The control silo that keeps the list of members, if no store does.</param>
internal sealed record SiloEndpoints(string ClusterId, IPAddress Address, int SiloPort, IPEndPoint Primary)
{
    private const string ServiceId = "iota";

    /// <summary>How tensors go to other silos.</summary>
    public TensorTransportKind Transport { get; init; }

    /// <summary>The port on which tensors arrive; zero for any free one.</summary>
    public int TensorPort { get; init; }

    /// <summary>The database that keeps the list of members, or null when the control silo does.</summary>
    public StoreAddress? Store { get; init; }

    /// <summary>What the list of members calls this silo, or null for a name that nobody needs to know.</summary>
    public string? SiloName { get; init; }

    /// <summary>A cluster of its own on this machine.</summary>
    public static SiloEndpoints NewCluster() => NewCluster(IPAddress.Loopback, 0);

    /// <summary>A cluster of its own whose control silo is here.</summary>
    /// <param name="address">The address under which others reach it.</param>
    /// <param name="port">Its port; zero for any free one.</param>
    public static SiloEndpoints NewCluster(IPAddress address, int port)
    {
        port = port == 0 ? LoopbackPorts.Free() : port;
        return new SiloEndpoints($"iota-{Guid.NewGuid():N}", address, port, new IPEndPoint(address, port));
    }

    /// <summary>The address of this machine from which another is reached: what the other will see.</summary>
    public static IPAddress AddressTowards(IPEndPoint other)
    {
        // Connecting a datagram socket sends nothing; it only asks the routing table.
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(other);
        return ((IPEndPoint)socket.LocalEndPoint!).Address;
    }

    public void Configure(ISiloBuilder silo)
    {
        silo.Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (ClusterId, ServiceId));
        if (SiloName is not null)
        {
            silo.Configure<SiloOptions>(options => options.SiloName = SiloName);
        }

        silo.Configure<EndpointOptions>(options =>
        {
            options.AdvertisedIPAddress = Address;
            options.SiloPort = SiloPort;
            options.SiloListeningEndpoint = new IPEndPoint(IPAddress.IsLoopback(Address) ? IPAddress.Loopback : IPAddress.Any, SiloPort);
            // Nobody connects as a client: what asks grains runs inside a silo.
            options.GatewayPort = 0;
        });
        if (Store is { } store)
        {
            silo.UseAdoNetClustering(options => (options.Invariant, options.ConnectionString) = (PostgresStorageHostingExtensions.Invariant, store.ConnectionString));
        }
        else
        {
            silo.UseDevelopmentClustering(Primary);
        }

#pragma warning disable ORLEANSEXP003 // The older directory ends every activation whose entry a lost silo kept: a miner's end would take control grains with it.
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
        // Control grains live on one silo, and shards know their session: nobody has to wait until a silo that is thought dead has surely noticed it.
        silo.Configure<GrainDirectoryOptions>(options => options.RangeLeaseDuration = TimeSpan.Zero);
        silo.Configure<ClusterMembershipOptions>(options =>
        {
            // Cores are busy training, so answers may be late; a silo that is really gone still goes unnoticed for seconds only, and one
            // whose connections are open, but which says nothing, for four of the longest timeouts. Until then nobody can join.
            options.ProbeTimeout = TimeSpan.FromSeconds(3);
            options.MaxProbeTimeout = TimeSpan.FromSeconds(5);
            options.NumMissedProbesLimit = 4;
            options.NumVotesForDeathDeclaration = 1;
            options.MaxJoinAttemptTime = TimeSpan.FromSeconds(30);
        });
    }
}
