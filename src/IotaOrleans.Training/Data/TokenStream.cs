using IotaOrleans.Training.Tokenization;

namespace IotaOrleans.Training.Data;

/// <summary>Tokens on their way from a source into prepared files.</summary>
/// <param name="Tokenizer">What made them, when known.</param>
/// <param name="VocabularySize">Every id is below this.</param>
/// <param name="Train">The tokens in blocks; all of them when <paramref name="Validation"/> is null.</param>
/// <param name="Validation">The validation tokens, when the source keeps them apart.</param>
internal sealed record TokenStream(ITokenizer? Tokenizer, int VocabularySize, IEnumerable<int[]> Train, IEnumerable<int[]>? Validation);
