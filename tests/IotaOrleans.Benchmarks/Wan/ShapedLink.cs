using System.Diagnostics;
using System.Globalization;

namespace IotaOrleans.Benchmarks.Wan;

/// <summary>Two network namespaces joined by one link whose rate can be limited in both directions. Needs Linux and the right to make namespaces.</summary>
internal sealed class ShapedLink : IDisposable
{
    // Long enough for a full window at these rates, short enough not to hide the limit.
    private const string Burst = "128kb";
    private const string Latency = "100ms";

    private static readonly string Suffix = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);

    private ShapedLink()
    {
    }

    /// <summary>The namespace of the control silo and the first miner.</summary>
    public string Near { get; } = $"iota-near-{Suffix}";

    /// <summary>The namespace of the other miner.</summary>
    public string Far { get; } = $"iota-far-{Suffix}";

    /// <summary>Address in the first namespace.</summary>
    public static string NearAddress => "10.77.0.1";

    private static string FarAddress => "10.77.0.2";

    // Names of links are short.
    private static string NearLink => $"in{Suffix}";

    private static string FarLink => $"if{Suffix}";

    /// <summary>Makes the link, or says why that cannot be done here.</summary>
    public static ShapedLink? TryCreate(out string reason)
    {
        var link = new ShapedLink();
        try
        {
            Ip("netns", "add", link.Near);
            Ip("netns", "add", link.Far);
            Ip("link", "add", NearLink, "netns", link.Near, "type", "veth", "peer", "name", FarLink, "netns", link.Far);
            Up(link.Near, NearLink, NearAddress);
            Up(link.Far, FarLink, FarAddress);
            link.Limit(1_000);
            link.Unlimit();
            reason = "";
            return link;
        }
        catch (Exception failure) when (failure is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            reason = failure.Message;
            link.Dispose();
            return null;
        }
    }

    /// <summary>Limits the rate, in megabits per second, each way.</summary>
    public void Limit(int rate)
    {
        foreach (var (space, name) in Ends())
        {
            Run("ip", "netns", "exec", space, "tc", "qdisc", "replace", "dev", name, "root", "tbf", "rate", string.Create(CultureInfo.InvariantCulture, $"{rate}mbit"), "burst", Burst, "latency", Latency);
        }
    }

    /// <summary>Takes the limit away.</summary>
    public void Unlimit()
    {
        foreach (var (space, name) in Ends())
        {
            Run("ip", "netns", "exec", space, "tc", "qdisc", "del", "dev", name, "root");
        }
    }

    public void Dispose()
    {
        foreach (var space in new[] { Near, Far })
        {
            try
            {
                // The link goes with it.
                Ip("netns", "delete", space);
            }
            catch (Exception failure) when (failure is InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // It was not made.
            }
        }
    }

    private (string Space, string Link)[] Ends() => [(Near, NearLink), (Far, FarLink)];

    private static void Up(string space, string link, string address)
    {
        Ip("-n", space, "address", "add", $"{address}/24", "dev", link);
        Ip("-n", space, "link", "set", link, "up");
        Ip("-n", space, "link", "set", "lo", "up");
    }

    private static void Ip(params string[] arguments) => Run("ip", arguments);

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors.Trim()}");
        }
    }
}
