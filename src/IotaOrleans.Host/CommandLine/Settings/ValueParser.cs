namespace IotaOrleans.Host.CommandLine.Settings;

internal delegate bool TryParseValue<T>(string text, out T value);

/// <summary>Reads one kind of value from text.</summary>
/// <param name="HelpName">The placeholder in the help, for example <c>N</c>.</param>
/// <param name="Expected">Completes "'x' is not …".</param>
/// <param name="TryParse">Reads a value.</param>
/// <param name="Show">The value as the help shows it, or null for one that is not worth showing.</param>
internal sealed record ValueParser<T>(string HelpName, string Expected, TryParseValue<T> TryParse, Func<T, string?> Show);
