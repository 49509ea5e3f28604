using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace IotaOrleans.Training.Tokenization;

/// <summary>
/// Cuts text into the words within which byte pairs are merged: each pattern in turn cuts what the one before left, and what
/// lies between two matches is a word too, unless the pattern drops it.
/// </summary>
internal sealed class WordSplitter(IReadOnlyList<WordPattern> patterns) : PreTokenizer
{
    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        IEnumerable<(int Offset, int Length)> words = [(0, text.Length)];
        return patterns.Aggregate(words, (current, pattern) => current.SelectMany(word => Split(text, word, pattern)));
    }

    private static List<(int Offset, int Length)> Split(string text, (int Offset, int Length) word, WordPattern pattern)
    {
        var parts = new List<(int Offset, int Length)>();
        var done = 0;
        foreach (var match in pattern.Expression.EnumerateMatches(text.AsSpan(word.Offset, word.Length)))
        {
            if (match.Length == 0)
            {
                continue;
            }

            if (match.Index > done && !pattern.DropsTheRest)
            {
                parts.Add((word.Offset + done, match.Index - done));
            }

            parts.Add((word.Offset + match.Index, match.Length));
            done = match.Index + match.Length;
        }

        if (done < word.Length && !pattern.DropsTheRest)
        {
            parts.Add((word.Offset + done, word.Length - done));
        }

        return parts;
    }
}

/// <summary>What one word looks like.</summary>
/// <param name="Expression">Matches a word.</param>
/// <param name="DropsTheRest">Whether text between matches disappears.</param>
internal sealed record WordPattern(Regex Expression, bool DropsTheRest = false)
{
    /// <summary>The words of GPT-2.</summary>
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>The words of GPT-4.</summary>
    public const string Cl100k = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The words of GPT-4o.</summary>
    public const string O200k =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
        + @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
        + @"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    public static WordPattern From(string pattern, bool dropsTheRest = false)
    {
        return new WordPattern(new Regex(pattern, RegexOptions.Compiled | RegexOptions.CultureInvariant), dropsTheRest);
    }
}
