using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace IotaOrleans.ClusterTests.Storage;

/// <summary>An S3-compatible server of the tests' own (s3rver, from npm): in a temporary folder, on a free port of this machine's loopback, and gone afterwards.</summary>
public sealed class S3Server : IDisposable
{
    public const string Bucket = "models";
    private const string Package = "s3rver@3.7.1";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("iota-s3-").FullName;
    private readonly Process _process;

    public S3Server()
    {
        var program = Path.Combine(Tools, "node_modules", "s3rver", "bin", "s3rver.js");
        if (!File.Exists(program))
        {
            Directory.CreateDirectory(Tools);
            using var install = Process.Start(new ProcessStartInfo("npm", ["install", "--no-audit", "--no-fund", "--silent", "--prefix", Tools, Package]) { WorkingDirectory = Tools })!;
            install.WaitForExit(Patience).Should().BeTrue("npm should install {0} in time", Package);
            install.ExitCode.Should().Be(0, "npm should install {0}", Package);
        }

        var port = FreePort();
        Endpoint = $"http://127.0.0.1:{port}";
        _process = Process.Start(new ProcessStartInfo("node", [program, "--directory", _folder, "--address", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture), "--configure-bucket", Bucket, "--silent"]))!;
        var clock = Stopwatch.StartNew();
        while (!Answers(port))
        {
            (_process.HasExited || clock.Elapsed > Patience).Should().BeFalse("the server should start");
            Thread.Sleep(TimeSpan.FromMilliseconds(50));
        }
    }

    public string Endpoint { get; }

    /// <summary>Keys that the server takes, as variables.</summary>
    public static IReadOnlyDictionary<string, string> Keys { get; } = new Dictionary<string, string> { ["AWS_ACCESS_KEY_ID"] = "S3RVER", ["AWS_SECRET_ACCESS_KEY"] = "S3RVER" };

    private static string Tools => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(OwnPath())!, "..", "..", "..", "artifacts", "tools", "s3rver"));

    /// <summary>The address of a prefix in the bucket.</summary>
    public string Address(string prefix) => $"s3://{Bucket}/{prefix}?endpoint={Endpoint}&region=us-east-1";

    /// <summary>The names of what is stored under a prefix.</summary>
    public IReadOnlyList<string> Names(string prefix)
    {
        // The server keeps each object as a file, with an ending of its own.
        const string Ending = "._S3rver_object";
        var root = Path.Combine(_folder, Bucket, prefix);
        return [.. Directory.EnumerateFiles(root, $"*{Ending}", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(root, file)[..^Ending.Length]).Order(StringComparer.Ordinal)];
    }

    /// <summary>The file behind an object.</summary>
    public string FileOf(string name) => Path.Combine(_folder, Bucket, $"{name}._S3rver_object");

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static bool Answers(int port)
    {
        using var client = new TcpClient();
        try
        {
            client.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string OwnPath([CallerFilePath] string path = "") => path;
}
