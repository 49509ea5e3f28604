using System.Runtime.Versioning;
using System.Security.Cryptography;
using IotaOrleans.Grains.Hosting;
using IotaOrleans.Protocol.Validation;
using Microsoft.Extensions.Options;

namespace IotaOrleans.Grains.Validation;

/// <summary>The key by which the miners of this silo sign what they did. Kept in a file, or made for as long as the process lives.</summary>
public sealed class MinerKey : IDisposable
{
    private readonly ECDsa _key;

    /// <summary>Loads the key of the silo, or makes one.</summary>
    /// <exception cref="IotaException">The file cannot be read or written, or is no such key.</exception>
    public MinerKey(IOptions<IotaSiloOptions> options) => _key = options.Value.KeyFile is { } file ? LoadOrCreate(file) : ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>Signs a segment.</summary>
    public SegmentRecord Seal(SegmentRecord segment) => SegmentHash.Seal(segment, _key);

    /// <inheritdoc />
    public void Dispose() => _key.Dispose();

    /// <exception cref="IotaException">The file cannot be read or written, or is no such key.</exception>
    private static ECDsa LoadOrCreate(string file)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        try
        {
            if (File.Exists(file))
            {
                key.ImportFromPem(File.ReadAllText(file));
                if (key.KeySize != 256)
                {
                    throw new CryptographicException($"it has {key.KeySize} bits instead of 256");
                }
            }
            else
            {
                Write(file, key.ExportPkcs8PrivateKeyPem());
            }

            return key;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw new IotaException(ExitCode.Environment, $"'{file}' is not a miner's key (ECDSA on P-256, PEM): {failure.Message}");
        }
    }

    private static void Write(string file, string pem)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            OwnerOnly(options);
        }

        using var writer = new StreamWriter(file, options);
        writer.WriteLine(pem);
    }

    [UnsupportedOSPlatform("windows")]
    private static void OwnerOnly(FileStreamOptions options) => options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
}
