using System.Text;

namespace IotaOrleans.Training.Tokenization;

/// <summary>One id per byte of the text's UTF-8: it fits every text, needs no training and never meets an unknown symbol.</summary>
public sealed class ByteTokenizer : ITokenizer
{
    /// <inheritdoc />
    public string Kind => TokenizerKinds.Bytes;

    /// <inheritdoc />
    public int VocabularySize => 256;

    /// <inheritdoc />
    public int[] Encode(ReadOnlySpan<char> text)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        return Array.ConvertAll(bytes, value => (int)value);
    }

    /// <inheritdoc />
    public string Decode(ReadOnlySpan<int> tokens)
    {
        var bytes = new ByteBuilder(tokens.Length);
        foreach (var token in tokens)
        {
            if (token is >= 0 and < 256)
            {
                bytes.Add((byte)token);
            }
            else
            {
                bytes.AddReplacement();
            }
        }

        return bytes.ToText();
    }

    /// <inheritdoc />
    public void Save(string directory)
    {
        TokenizerManifest.Write(directory, new TokenizerManifest(Kind));
        HuggingFaceExport.WriteBytes(directory);
    }
}
