using System.Buffers;
using System.Text.Unicode;

namespace IotaOrleans.Training.Data.Sources;

/// <summary>Reads a UTF-8 file in pieces, so that a file of any size costs a few kilobytes.</summary>
internal static class Utf8Text
{
    private const int BlockLength = 16 * 1024;

    /// <summary>The file's text, without a byte order mark; a piece never ends within a surrogate pair.</summary>
    public static IEnumerable<string> Read(string path)
    {
        using var stream = SourceFile.Open(path);
        var bytes = new byte[BlockLength];
        var characters = new char[BlockLength];
        var held = 0;
        var offset = 0L;
        while (true)
        {
            var read = stream.Read(bytes, held, bytes.Length - held);
            var available = held + read;
            var status = Utf8.ToUtf16(bytes.AsSpan(0, available), characters, out var consumed, out var written, replaceInvalidSequences: false, isFinalBlock: read == 0);
            if (status == OperationStatus.InvalidData)
            {
                throw NotUtf8(path, offset + consumed, bytes[consumed]);
            }

            var start = offset == 0 && written > 0 && characters[0] == '\uFEFF' ? 1 : 0;
            if (written > start)
            {
                yield return new string(characters, start, written - start);
            }

            if (read == 0)
            {
                yield break;
            }

            offset += consumed;
            held = available - consumed;
            bytes.AsSpan(consumed, held).CopyTo(bytes);
        }
    }

    public static IotaException NotUtf8(string path, long offset, byte value)
    {
        return new IotaException(
            ExitCode.Data,
            $"{path} is not UTF-8: byte 0x{value:X2} at offset {offset} does not belong there; save the file as UTF-8, or give another with --data.");
    }
}
