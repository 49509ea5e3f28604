using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>
/// Reads a safetensors file. Everything its header claims is checked at opening, so that later reads cannot leave the
/// file. Reading is safe from many threads.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private const int ChunkElements = 32 * 1024;

    private readonly SafeFileHandle _handle;

    private SafetensorsFile(string path, SafeFileHandle handle, IReadOnlyList<SafetensorsEntry> entries, IReadOnlyDictionary<string, string> metadata)
    {
        Path = path;
        _handle = handle;
        Tensors = entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
        Metadata = metadata;
    }

    /// <summary>The path given to <see cref="Open"/>.</summary>
    public string Path { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors { get; }

    /// <summary>The file's free text, for example <c>format = pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="IotaException">The file is missing, unreadable or damaged (<see cref="ExitCode.Model"/>).</exception>
    public static SafetensorsFile Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path);
            long fileLength = RandomAccess.GetLength(handle);
            byte[] json = ReadHeader(path, handle, fileLength);
            (IReadOnlyList<SafetensorsEntry> entries, IReadOnlyDictionary<string, string> metadata) =
                SafetensorsHeader.Parse(path, json, fileLength - SafetensorsHeader.PrefixLength - json.Length);
            var file = new SafetensorsFile(path, handle, entries, metadata);
            handle = null;
            return file;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw ModelErrors.Create(path, $"cannot be read: {failure.Message}", failure);
        }
        finally
        {
            handle?.Dispose();
        }
    }

    /// <summary>Reads a whole tensor's bytes.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="destination">Exactly as long as the tensor.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    /// <exception cref="IotaException">There is no such tensor, or the file cannot be read.</exception>
    public void Read(string name, Span<byte> destination)
    {
        SafetensorsEntry entry = Find(name);
        RequireLength(name, destination.Length, entry.Length, "bytes");
        ReadExactly(_handle, Path, destination, entry.Offset);
    }

    /// <summary>Reads part of a tensor's bytes, for tensors beyond 2 GB and for reading in chunks.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="start">First byte, counted from the start of the tensor.</param>
    /// <param name="destination">Filled completely.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part reaches beyond the tensor.</exception>
    /// <exception cref="IotaException">There is no such tensor, or the file cannot be read.</exception>
    public void ReadPart(string name, long start, Span<byte> destination)
    {
        SafetensorsEntry entry = Find(name);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, entry.Length - destination.Length);
        ReadExactly(_handle, Path, destination, entry.Offset + start);
    }

    /// <summary>Reads a whole F32, F16 or BF16 tensor as singles.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="destination">As many elements as the tensor.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    /// <exception cref="IotaException">There is no such tensor, it is of another dtype, or the file cannot be read.</exception>
    public void ReadSingles(string name, Span<float> destination)
    {
        SafetensorsEntry entry = Find(name);
        RequireLength(name, destination.Length, entry.ElementCount, "elements");
        switch (entry.DType)
        {
            case SafetensorsDType.F32:
                ReadExactly(_handle, Path, MemoryMarshal.AsBytes(destination), entry.Offset);
                break;
            case SafetensorsDType.F16 or SafetensorsDType.BF16:
                ReadHalves(entry, destination);
                break;
            default:
                throw ModelErrors.Create(Path, $"tensor {name} is {entry.DType.ToText()}, expected F32, F16 or BF16");
        }
    }

    /// <inheritdoc />
    public void Dispose() => _handle.Dispose();

    private static byte[] ReadHeader(string path, SafeFileHandle handle, long fileLength)
    {
        if (fileLength < SafetensorsHeader.PrefixLength)
        {
            throw ModelErrors.Create(path, $"is only {fileLength} bytes long; this is no safetensors file");
        }

        Span<byte> prefix = stackalloc byte[SafetensorsHeader.PrefixLength];
        ReadExactly(handle, path, prefix, 0);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > SafetensorsHeader.LongestJson || (long)length > fileLength - SafetensorsHeader.PrefixLength)
        {
            throw ModelErrors.Create(path, $"claims a header of {length} bytes in a file of {fileLength} (at most {SafetensorsHeader.LongestJson} are allowed); it is damaged or no safetensors file");
        }

        var json = new byte[length];
        ReadExactly(handle, path, json, SafetensorsHeader.PrefixLength);
        return json;
    }

    private static void ReadExactly(SafeFileHandle handle, string path, Span<byte> destination, long offset)
    {
        while (!destination.IsEmpty)
        {
            int count = RandomAccess.Read(handle, destination, offset);
            if (count == 0)
            {
                throw ModelErrors.Create(path, "became shorter while it was being read");
            }

            destination = destination[count..];
            offset += count;
        }
    }

    private static void RequireLength(string name, long actual, long expected, string unit)
    {
        if (actual != expected)
        {
            throw new ArgumentException($"Tensor {name} has {expected} {unit}, the destination {actual}.", nameof(name));
        }
    }

    private SafetensorsEntry Find(string name) =>
        Tensors.TryGetValue(name, out SafetensorsEntry? entry) ? entry : throw ModelErrors.Create(Path, $"there is no tensor {name}");

    private void ReadHalves(SafetensorsEntry entry, Span<float> destination)
    {
        ushort[] rented = ArrayPool<ushort>.Shared.Rent(Math.Min(ChunkElements, destination.Length));
        long offset = entry.Offset;
        while (!destination.IsEmpty)
        {
            Span<ushort> chunk = rented.AsSpan(0, Math.Min(rented.Length, destination.Length));
            ReadExactly(_handle, Path, MemoryMarshal.AsBytes(chunk), offset);
            for (int i = 0; i < chunk.Length; i++)
            {
                destination[i] = entry.DType == SafetensorsDType.BF16
                    ? BitConverter.UInt32BitsToSingle((uint)chunk[i] << 16)
                    : (float)BitConverter.UInt16BitsToHalf(chunk[i]);
            }

            offset += chunk.Length * sizeof(ushort);
            destination = destination[chunk.Length..];
        }

        ArrayPool<ushort>.Shared.Return(rented);
    }
}
