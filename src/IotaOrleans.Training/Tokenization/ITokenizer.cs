namespace IotaOrleans.Training.Tokenization;

/// <summary>Turns text into token ids and back. Implementations are immutable and may be shared by threads.</summary>
public interface ITokenizer
{
    /// <summary>What it is: <c>bytes</c>, <c>characters</c>, <c>tokenizer.json</c> or <c>tiktoken</c>.</summary>
    string Kind { get; }

    /// <summary>Every id is in <c>[0, VocabularySize)</c>.</summary>
    int VocabularySize { get; }

    /// <summary>The ids of a text.</summary>
    /// <exception cref="IotaException">The text holds a symbol that this tokenizer does not know.</exception>
    int[] Encode(ReadOnlySpan<char> text);

    /// <summary>
    /// The text of some ids. Never throws: a torn UTF-8 sequence, as a cut sample ends in, and an unknown id
    /// (a model may have more rows than its tokenizer has ids) become U+FFFD.
    /// </summary>
    string Decode(ReadOnlySpan<int> tokens);

    /// <summary>Writes what <see cref="TokenizerLoader.Load"/> needs into an existing or new directory.</summary>
    void Save(string directory);
}
