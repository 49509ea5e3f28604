using System.Net;
using Npgsql;

namespace IotaOrleans.Host.Storage;

/// <summary>Where a PostgreSQL database is, and as whom it is used.</summary>
internal sealed class StoreAddress
{
    private const int DefaultPort = 5432;

    private StoreAddress(string url, NpgsqlConnectionStringBuilder connection) =>
        (Url, Host, Port, Database, ConnectionString) = (url, connection.Host!, connection.Port, connection.Database!, connection.ConnectionString);

    /// <summary>What a URL has to look like.</summary>
    public const string Form = "postgres://USER:PASSWORD@HOST:PORT/DATABASE";

    /// <summary>As it was given, with the password.</summary>
    public string Url { get; }

    public string Host { get; }

    public int Port { get; }

    public string Database { get; }

    /// <summary>With the password.</summary>
    public string ConnectionString { get; }

    /// <summary>Reads a URL as other PostgreSQL programs do; what follows a question mark are further connection settings, like <c>sslmode=require</c>.</summary>
    public static bool TryParse(string text, out StoreAddress? address)
    {
        address = null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("postgres" or "postgresql") || url.Host.Length == 0 || url.AbsolutePath.Trim('/') is not { Length: > 0 } database)
        {
            return false;
        }

        var user = url.UserInfo.Split(':', 2);
        try
        {
            var builder = new NpgsqlConnectionStringBuilder
            {
                Host = url.IdnHost,
                Port = url.Port > 0 ? url.Port : DefaultPort,
                Database = Uri.UnescapeDataString(database),
                ApplicationName = "iota",
                IncludeErrorDetail = false,
            };
            builder.Username = user[0].Length > 0 ? Uri.UnescapeDataString(user[0]) : null;
            builder.Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null;
            foreach (var setting in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
            {
                var pair = setting.Split('=', 2);
                builder[pair[0]] = pair.Length > 1 ? Uri.UnescapeDataString(pair[1]) : "true";
            }

            address = new StoreAddress(text, builder);
            return true;
        }
        catch (Exception failure) when (failure is ArgumentException or KeyNotFoundException or FormatException)
        {
            return false;
        }
    }

    /// <summary>The address of this machine from which the server is reached.</summary>
    public IPEndPoint Resolve()
    {
        try
        {
            return new IPEndPoint(Dns.GetHostAddresses(Host, System.Net.Sockets.AddressFamily.InterNetwork)[0], Port);
        }
        catch (Exception failure) when (failure is System.Net.Sockets.SocketException or IndexOutOfRangeException)
        {
            throw new IotaException(ExitCode.Environment, $"--store: {Host} cannot be found: {failure.Message}", failure);
        }
    }

    /// <summary>Without the password.</summary>
    public override string ToString() => $"postgres://{Host}:{Port}/{Database}";
}
