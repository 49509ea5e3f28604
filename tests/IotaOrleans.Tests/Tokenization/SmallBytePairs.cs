using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace IotaOrleans.Tests.Tokenization;

/// <summary>A vocabulary of the 256 bytes and a few merges, in both file formats, with the plainest encoder as a yardstick.</summary>
internal static class SmallBytePairs
{
    public const string End = "<|end|>";

    public const string Gpt2Words = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private static readonly (string Left, string Right)[] Merges = [("l", "l"), ("h", "e"), ("he", "ll"), (" ", "w"), ("hell", "o"), ("o", "r"), (" w", "or"), ("\n", "\n"), ("1", "2"), ("12", "3")];

    private static readonly List<byte[]> BytesOfId =
    [
        .. Enumerable.Range(0, 256).Select(value => new[] { (byte)value }),
        .. Merges.Select(merge => Encoding.UTF8.GetBytes(merge.Left + merge.Right)),
    ];

    public static int EndId => BytesOfId.Count;

    public static JsonObject HuggingFace()
    {
        var vocabulary = new JsonObject();
        for (var id = 0; id < BytesOfId.Count; id++)
        {
            vocabulary[Spell(BytesOfId[id])] = id;
        }

        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(new JsonObject { ["id"] = EndId, ["content"] = End, ["special"] = true, ["lstrip"] = false }),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. Merges.Select(merge => (JsonNode)$"{Spell(Encoding.UTF8.GetBytes(merge.Left))} {Spell(Encoding.UTF8.GetBytes(merge.Right))}")]),
            },
        };
    }

    public static string Tiktoken() => string.Concat(BytesOfId.Select((bytes, id) => $"{Convert.ToBase64String(bytes)} {id}\n"));

    /// <summary>Merges the earliest learnt pair of every word until none is left, as the papers say it.</summary>
    public static IEnumerable<int> Encode(string text, string words = Gpt2Words)
    {
        return Regex.Split(text, $"({Regex.Escape(End)})").SelectMany(part => part == End ? [EndId] : Regex.Matches(part, words).SelectMany(word => EncodeWord(word.Value)));
    }

    private static List<int> EncodeWord(string word)
    {
        var parts = Encoding.UTF8.GetBytes(word).Select(value => (int)value).ToList();
        for (var merged = 256; merged < BytesOfId.Count; merged++)
        {
            for (var index = 0; index + 1 < parts.Count; index++)
            {
                if (BytesOfId[parts[index]].Concat(BytesOfId[parts[index + 1]]).SequenceEqual(BytesOfId[merged]))
                {
                    parts[index] = merged;
                    parts.RemoveAt(index + 1);
                }
            }
        }

        return parts;
    }

    private static string Spell(byte[] bytes) => string.Concat(bytes.Select(value =>
        value is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174 ? (char)value : (char)(256 + Enumerable.Range(0, value).Count(lower => lower is not ((>= 33 and <= 126) or (>= 161 and <= 172) or >= 174)))));
}
