namespace IotaOrleans.Training.Data;

/// <summary>Which text a run learns from, and how it becomes tokens.</summary>
public sealed record DataSourceOptions
{
    /// <summary>The name of the source that every .NET SDK carries: the prose of its API documentation.</summary>
    public const string DotnetDocumentation = "dotnet-docs";

    /// <summary>
    /// A text file, a folder of <c>*.txt</c> and <c>*.md</c>, a glob such as <c>corpus/**/*.md</c>, a <c>*.jsonl</c>,
    /// a <c>*.bin</c> or a folder with nanoGPT's <c>train.bin</c>, or <see cref="DotnetDocumentation"/>.
    /// </summary>
    public string Data { get; init; } = DotnetDocumentation;

    /// <summary>The field of a JSON line that holds the text; <c>text</c> when null.</summary>
    public string? Field { get; init; }

    /// <summary>
    /// What <see cref="Tokenization.TokenizerLoader.Create"/> takes. When null, text is read as <c>bytes</c>, and ready-made
    /// tokens keep the tokenizer saved beside them, or have none.
    /// </summary>
    public string? Tokenizer { get; init; }

    /// <summary>The share of the tokens, at the end, that is kept for validation; at least 0, less than 1.</summary>
    public double ValidationFraction { get; init; } = 0.1;

    /// <summary>The most ids the data may use. For ready-made tokens it is also the vocabulary's size; without it that is the greatest id plus one.</summary>
    public int? MaximumVocabularySize { get; init; }
}
