using System.Text;

namespace IotaOrleans.Training.Tokenization;

/// <summary>
/// The printable symbol that stands for each byte in the vocabulary of a byte-level BPE (<c>bytes_to_unicode</c> of GPT-2):
/// printable Latin-1 stands for itself, the rest follows from U+0100 on.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Symbols = MakeSymbols();
    private static readonly Dictionary<char, byte> Bytes = Symbols.Select((symbol, value) => (symbol, value)).ToDictionary(pair => pair.symbol, pair => (byte)pair.value);

    /// <summary>The symbol of a byte.</summary>
    public static char SymbolOf(byte value) => Symbols[value];

    /// <summary>The bytes that a vocabulary entry spells; a symbol outside the alphabet, as in an added token, is its own UTF-8.</summary>
    public static byte[] BytesOf(string token)
    {
        return token.All(Bytes.ContainsKey) ? [.. token.Select(symbol => Bytes[symbol])] : Encoding.UTF8.GetBytes(token);
    }

    private static char[] MakeSymbols()
    {
        var symbols = new char[256];
        var next = (char)256;
        for (var value = 0; value < symbols.Length; value++)
        {
            var isPrintable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            symbols[value] = isPrintable ? (char)value : next++;
        }

        return symbols;
    }
}
