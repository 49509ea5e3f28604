namespace IotaOrleans.Training.Tokenization;

/// <summary>The values of <see cref="ITokenizer.Kind"/>.</summary>
public static class TokenizerKinds
{
    /// <summary>256 ids, one per byte.</summary>
    public const string Bytes = "bytes";

    /// <summary>One id per distinct Unicode scalar value of the corpus.</summary>
    public const string Characters = "characters";

    /// <summary>A Hugging Face <c>tokenizer.json</c>.</summary>
    public const string HuggingFace = "tokenizer.json";

    /// <summary>A table of byte sequences and ranks, as OpenAI publishes them.</summary>
    public const string Tiktoken = "tiktoken";
}
