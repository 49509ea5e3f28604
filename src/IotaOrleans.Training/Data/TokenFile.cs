using System.IO.MemoryMappedFiles;
using System.Numerics;

namespace IotaOrleans.Training.Data;

/// <summary>
/// Tokens in a file, two or four bytes each, little-endian, nothing else: nanoGPT's <c>.bin</c>. The file is memory mapped,
/// so it costs no heap however long it is. Reading is safe from any number of threads.
/// </summary>
public sealed class TokenFile : IDisposable
{
    private const int BlockLength = 1024;

    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;

    private TokenFile(string path, int bytesPerToken, long count, MemoryMappedFile? file)
    {
        Path = path;
        BytesPerToken = bytesPerToken;
        Count = count;
        _file = file;
        _view = file?.CreateViewAccessor(0, count * bytesPerToken, MemoryMappedFileAccess.Read);
    }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytesPerToken">2 or 4.</param>
    /// <exception cref="IotaException">The file is missing, or is not a whole number of tokens long.</exception>
    public static TokenFile Open(string path, int bytesPerToken)
    {
        if (bytesPerToken is not (2 or 4))
        {
            throw new ArgumentOutOfRangeException(nameof(bytesPerToken), bytesPerToken, "A token has 2 or 4 bytes.");
        }

        var information = new FileInfo(path);
        if (!information.Exists)
        {
            throw new IotaException(ExitCode.Data, $"The token file {path} is missing; prepare the data again.");
        }

        var length = information.Length;
        if (length % bytesPerToken != 0)
        {
            throw new IotaException(
                ExitCode.Data,
                $"The token file {path} is {length} bytes long, not a whole number of {bytesPerToken}-byte tokens: it is cut off or of another format; write it again.");
        }

        // An empty file cannot be mapped.
        var file = length == 0 ? null : MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        return new TokenFile(path, bytesPerToken, length / bytesPerToken, file);
    }

    /// <summary>Where the tokens are.</summary>
    public string Path { get; }

    /// <summary>How many tokens there are.</summary>
    public long Count { get; }

    /// <summary>2 or 4.</summary>
    public int BytesPerToken { get; }

    /// <summary>Reads consecutive tokens.</summary>
    /// <param name="offset">The first token's index.</param>
    /// <param name="tokens">Filled entirely.</param>
    /// <exception cref="ArgumentOutOfRangeException">The tokens asked for are not all within the file.</exception>
    public void Read(long offset, Span<long> tokens)
    {
        if (offset < 0 || offset > Count - tokens.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{tokens.Length} tokens from there are not within the {Count} of {Path}.");
        }

        if (BytesPerToken == 2)
        {
            Read<ushort>(offset, tokens);
        }
        else
        {
            Read<int>(offset, tokens);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _view?.Dispose();
        _file?.Dispose();
    }

    private void Read<T>(long offset, Span<long> tokens)
        where T : unmanaged, IBinaryInteger<T>
    {
        Span<T> block = stackalloc T[BlockLength];
        while (!tokens.IsEmpty)
        {
            var part = block[..Math.Min(BlockLength, tokens.Length)];
            _view!.SafeMemoryMappedViewHandle.ReadSpan((ulong)(_view.PointerOffset + (offset * BytesPerToken)), part);
            for (var index = 0; index < part.Length; index++)
            {
                tokens[index] = long.CreateTruncating(part[index]);
            }

            offset += part.Length;
            tokens = tokens[part.Length..];
        }
    }
}
