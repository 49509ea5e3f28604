using System.Runtime.InteropServices;

namespace IotaOrleans.Training.Data;

/// <summary>Writes a <see cref="TokenFile"/> from front to back.</summary>
internal sealed class TokenFileWriter : IDisposable
{
    private readonly FileStream _stream;
    private readonly int _vocabularySize;

    public TokenFileWriter(string path, int vocabularySize)
    {
        _stream = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 64 * 1024);
        _vocabularySize = vocabularySize;
        BytesPerToken = BytesFor(vocabularySize);
    }

    public int BytesPerToken { get; }

    public long Count => _stream.Position / BytesPerToken;

    /// <summary>The narrowest width that holds every id.</summary>
    public static int BytesFor(int vocabularySize) => vocabularySize <= ushort.MaxValue + 1 ? sizeof(ushort) : sizeof(int);

    public void Write(ReadOnlySpan<int> tokens)
    {
        Span<ushort> narrow = stackalloc ushort[1024];
        while (!tokens.IsEmpty)
        {
            var part = tokens[..Math.Min(narrow.Length, tokens.Length)];
            for (var index = 0; index < part.Length; index++)
            {
                if ((uint)part[index] >= (uint)_vocabularySize)
                {
                    throw new IotaException(
                        ExitCode.Data,
                        $"The data's token {part[index]} at place {Count + index} is outside its vocabulary of {_vocabularySize}; use the tokenizer that the tokens were made with, or a greater vocabulary.");
                }

                narrow[index] = (ushort)part[index];
            }

            _stream.Write(BytesPerToken == sizeof(ushort) ? MemoryMarshal.AsBytes(narrow[..part.Length]) : MemoryMarshal.AsBytes(part));
            tokens = tokens[part.Length..];
        }
    }

    /// <summary>Moves everything from a token on into a file of its own.</summary>
    public void MoveTail(long firstToken, string path)
    {
        var position = firstToken * BytesPerToken;
        using (var tail = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1))
        {
            _stream.Flush();
            _stream.Position = position;
            _stream.CopyTo(tail, 256 * 1024);
        }

        _stream.SetLength(position);
    }

    public void Dispose() => _stream.Dispose();
}
