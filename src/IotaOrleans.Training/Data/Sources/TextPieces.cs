namespace IotaOrleans.Training.Data.Sources;

/// <summary>Cuts streamed text where no tokenizer's result depends on the cut.</summary>
internal static class TextPieces
{
    /// <summary>How much text is gathered before a cut is looked for, in UTF-16 units.</summary>
    public const int TargetLength = 16 * 1024;

    /// <summary>The most that is held when no place to cut is found, as in a file of one endless line without spaces.</summary>
    public const int MaximumLength = 1024 * 1024;

    /// <summary>
    /// The same text, cut only before a single space between two symbols that are not white space: the pre-tokenizers of
    /// GPT-2 and its successors begin a new word there whatever came before, so each piece can be encoded by itself.
    /// </summary>
    public static IEnumerable<string> CutBetweenWords(IEnumerable<string> text)
    {
        var held = "";
        foreach (var arrived in text)
        {
            held = held.Length == 0 ? arrived : held + arrived;
            while (held.Length >= TargetLength)
            {
                var cut = FindCut(held);
                if (cut == 0)
                {
                    break;
                }

                yield return held[..cut];
                held = held[cut..];
            }
        }

        if (held.Length > 0)
        {
            yield return held;
        }
    }

    private static int FindCut(string text)
    {
        // A place before the target keeps pieces small; a text without one there is searched further on.
        for (var index = TargetLength - 2; index > 0; index--)
        {
            if (IsBetweenWords(text, index))
            {
                return index;
            }
        }

        for (var index = TargetLength - 1; index < text.Length - 1; index++)
        {
            if (IsBetweenWords(text, index))
            {
                return index;
            }
        }

        if (text.Length < MaximumLength)
        {
            return 0;
        }

        return char.IsHighSurrogate(text[MaximumLength - 1]) ? MaximumLength - 1 : MaximumLength;
    }

    private static bool IsBetweenWords(string text, int index)
    {
        return text[index] == ' ' && !char.IsWhiteSpace(text[index - 1]) && !char.IsWhiteSpace(text[index + 1]);
    }
}
