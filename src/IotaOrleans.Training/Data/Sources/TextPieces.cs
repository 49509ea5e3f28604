namespace IotaOrleans.Training.Data.Sources;

/// <summary>Cuts streamed text where no tokenizer's result depends on the cut.</summary>
internal static class TextPieces
{
    /// <summary>How much text is gathered before a place to cut is looked for, in UTF-16 units.</summary>
    public const int TargetLength = 16 * 1024;

    /// <summary>Where text is cut anyway when there is no such place, as in a language without spaces.</summary>
    public const int MaximumLength = 128 * 1024;

    /// <summary>
    /// The same text, cut only before a single space between two symbols that are not white space: the pre-tokenizers of
    /// GPT-2 and its successors begin a new word there whatever came before, so each piece can be encoded by itself.
    /// </summary>
    public static IEnumerable<string> CutBetweenWords(IEnumerable<string> text)
    {
        var buffer = new char[MaximumLength];
        var length = 0;
        var from = TargetLength;
        foreach (var arrived in text)
        {
            for (var start = 0; start < arrived.Length;)
            {
                var taken = Math.Min(arrived.Length - start, buffer.Length - length);
                arrived.CopyTo(start, buffer, length, taken);
                start += taken;
                length += taken;
                while (FindCut(buffer.AsSpan(0, length), from) is > 0 and var cut)
                {
                    yield return new string(buffer, 0, cut);
                    length -= cut;
                    buffer.AsSpan(cut, length).CopyTo(buffer);
                    from = TargetLength;
                }

                from = Math.Max(TargetLength, length - 1);
            }
        }

        if (length > 0)
        {
            yield return new string(buffer, 0, length);
        }
    }

    private static int FindCut(ReadOnlySpan<char> text, int from)
    {
        for (var index = from; index < text.Length - 1; index++)
        {
            if (text[index] == ' ' && !char.IsWhiteSpace(text[index - 1]) && !char.IsWhiteSpace(text[index + 1]))
            {
                return index;
            }
        }

        if (text.Length < MaximumLength)
        {
            return 0;
        }

        return char.IsHighSurrogate(text[^1]) ? text.Length - 1 : text.Length;
    }
}
