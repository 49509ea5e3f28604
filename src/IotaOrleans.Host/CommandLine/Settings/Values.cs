using System.Globalization;
using System.Net;
using System.Numerics;
using IotaOrleans.Host.Archive;
using IotaOrleans.Host.Storage;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>The kinds of values that options take.</summary>
internal static class Values
{
    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    /// <summary>A whole number; <c>1_000_000</c> may be written with underscores.</summary>
    public static ValueParser<T> Whole<T>(T minimum, T maximum, string helpName = "N")
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T>
    {
        var range = maximum == T.MaxValue
            ? string.Create(Culture, $"of at least {minimum}")
            : string.Create(Culture, $"from {minimum} to {maximum}");
        bool TryParse(string text, out T value) =>
            T.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, Culture, out value)
            && value >= minimum && value <= maximum;
        return new ValueParser<T>(helpName, $"a whole number {range}", TryParse, value => value.ToString(null, Culture));
    }

    /// <summary>A finite number.</summary>
    public static ValueParser<double> Number(double minimum, double maximum = double.MaxValue, bool aboveMinimum = false)
    {
        var low = string.Create(Culture, $"{(aboveMinimum ? "above" : "of at least")} {minimum}");
        var expected = maximum == double.MaxValue ? low : string.Create(Culture, $"{low} and at most {maximum}");
        bool TryParse(string text, out double value) =>
            double.TryParse(text, NumberStyles.Float, Culture, out value)
            && double.IsFinite(value) && (aboveMinimum ? value > minimum : value >= minimum) && value <= maximum;
        return new ValueParser<double>("X", $"a number {expected}", TryParse, value => value.ToString("0.########", Culture));
    }

    /// <summary>One of a few words.</summary>
    public static ValueParser<T> OneOf<T>(params (string Word, T Value)[] choices)
        where T : notnull
    {
        bool TryParse(string text, out T value)
        {
            foreach (var choice in choices)
            {
                if (string.Equals(choice.Word, text, StringComparison.OrdinalIgnoreCase))
                {
                    value = choice.Value;
                    return true;
                }
            }

            value = choices[0].Value;
            return false;
        }

        var words = choices.Select(choice => choice.Word).ToArray();
        return new ValueParser<T>(
            string.Join('|', words), "one of " + string.Join(", ", words), TryParse, value => choices.First(choice => choice.Value.Equals(value)).Word);
    }

    /// <summary>Any text that is not empty.</summary>
    public static ValueParser<string?> Text(string helpName)
    {
        static bool TryParse(string text, out string? value)
        {
            value = text;
            return text.Length > 0;
        }

        return new ValueParser<string?>(helpName, "a usable value", TryParse, value => value is null || value == value.Trim() ? value : $"'{value}'");
    }

    /// <summary>A name that can be a folder and part of a grain's key.</summary>
    public static ValueParser<string?> Name(string helpName)
    {
        static bool TryParse(string text, out string? value)
        {
            value = text;
            return text.Length is > 0 and <= 64
                && char.IsAsciiLetterOrDigit(text[0])
                && text.All(symbol => char.IsAsciiLetterOrDigit(symbol) || symbol is '-' or '_' or '.');
        }

        return new ValueParser<string?>(
            helpName, "a name of at most 64 letters, digits, '-', '_' and '.', beginning with a letter or digit", TryParse, value => value);
    }

    /// <summary>Names with commas between them, each another.</summary>
    public static ValueParser<IReadOnlyList<string>?> Names(string helpName)
    {
        var name = Name(helpName);
        bool TryParse(string text, out IReadOnlyList<string>? value)
        {
            value = text.Split(',');
            return value.All(part => name.TryParse(part, out _)) && value.Distinct().Count() == value.Count;
        }

        return new ValueParser<IReadOnlyList<string>?>($"{helpName},…", $"{name.Expected}, or several different ones with commas", TryParse, value => value is null ? null : string.Join(',', value));
    }

    /// <summary>An IP address.</summary>
    public static ValueParser<IPAddress?> IPAddress() => new("IP", "an IP address", System.Net.IPAddress.TryParse, value => value?.ToString());

    /// <summary>An http or https address.</summary>
    public static ValueParser<Uri?> Address()
    {
        static bool TryParse(string text, out Uri? value) =>
            Uri.TryCreate(text, UriKind.Absolute, out value) && value.Scheme is "http" or "https";
        return new ValueParser<Uri?>("URL", "an address like http://127.0.0.1:8080", TryParse, value => value?.ToString());
    }

    /// <summary>A PostgreSQL database.</summary>
    public static ValueParser<StoreAddress?> Store() => new("URL", $"of the form {StoreAddress.Form}", StoreAddress.TryParse, value => value?.ToString());

    /// <summary>A place in an S3-compatible store.</summary>
    public static ValueParser<ArchiveAddress?> Archive() => new("URL", $"of the form {ArchiveAddress.Form}", ArchiveAddress.TryParse, value => value?.ToString());

    /// <summary>The same values, or none.</summary>
    public static ValueParser<T?> OrNone<T>(this ValueParser<T> parser)
        where T : struct
    {
        bool TryParse(string text, out T? value)
        {
            var parsed = parser.TryParse(text, out var result);
            value = parsed ? result : null;
            return parsed;
        }

        return new ValueParser<T?>(parser.HelpName, parser.Expected, TryParse, value => value is { } some ? parser.Show(some) : null);
    }
}
