using System.Text;
using System.Xml;

namespace IotaOrleans.Training.Data.Sources;

/// <summary>Reads an XML documentation file as prose.</summary>
internal static class DocumentationXml
{
    private static readonly XmlReaderSettings Settings = new() { DtdProcessing = DtdProcessing.Prohibit, IgnoreComments = true, IgnoreProcessingInstructions = true };

    /// <summary>One paragraph per member that says anything: what it is and does, what it takes, returns and throws.</summary>
    public static IEnumerable<string> Read(string path)
    {
        using var stream = SourceFile.Open(path);
        using var buffered = new BufferedStream(stream, 64 * 1024);
        using var reader = XmlReader.Create(buffered, Settings);
        var paragraph = new Paragraph();
        while (Advance(reader, path))
        {
            if (reader.NodeType == XmlNodeType.Element && reader.Name == "member")
            {
                paragraph.Clear();
                ReadMember(reader, path, paragraph);
                if (!paragraph.IsEmpty)
                {
                    yield return paragraph.ToString();
                }
            }
        }
    }

    private static void ReadMember(XmlReader reader, string path, Paragraph paragraph)
    {
        if (reader.IsEmptyElement)
        {
            return;
        }

        var depth = reader.Depth;
        while (Advance(reader, path) && reader.Depth > depth)
        {
            if (reader.NodeType != XmlNodeType.Element || reader.IsEmptyElement)
            {
                continue;
            }

            switch (reader.Name)
            {
                case "summary" or "remarks" or "returns" or "value":
                    ReadText(reader, path, paragraph, label: null);
                    break;
                case "param":
                    ReadText(reader, path, paragraph, reader.GetAttribute("name"));
                    break;
                case "exception":
                    ReadText(reader, path, paragraph, CodeReference.ShortName(reader.GetAttribute("cref")));
                    break;
                default:
                    Skip(reader, path);
                    break;
            }
        }
    }

    /// <summary>Adds an element's text, after <c>label:</c> when it has any, and stops on its end.</summary>
    private static void ReadText(XmlReader reader, string path, Paragraph paragraph, string? label)
    {
        paragraph.Begin(label);
        var depth = reader.Depth;
        while (Advance(reader, path) && reader.Depth > depth)
        {
            switch (reader.NodeType)
            {
                case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace or XmlNodeType.Whitespace:
                    paragraph.Add(reader.Value);
                    break;
                case XmlNodeType.Element when reader.Name == "code":
                    Skip(reader, path);
                    paragraph.AddSpace();
                    break;
                case XmlNodeType.Element when reader.IsEmptyElement && Reference(reader) is { } name:
                    paragraph.Add(name);
                    break;
                case XmlNodeType.Element or XmlNodeType.EndElement when !IsInline(reader.Name):
                    paragraph.AddSpace();
                    break;
                default:
                    break;
            }
        }
    }

    private static string? Reference(XmlReader reader) => reader.Name switch
    {
        "see" or "seealso" => reader.GetAttribute("langword") ?? CodeReference.ShortName(reader.GetAttribute("cref")) ?? reader.GetAttribute("href"),
        "paramref" or "typeparamref" => reader.GetAttribute("name"),
        "xref" => CodeReference.ShortName(reader.GetAttribute("uid")),
        _ => null,
    };

    private static bool IsInline(string element) => element is "c" or "see" or "seealso" or "paramref" or "typeparamref" or "xref" or "em" or "strong" or "b" or "i" or "u" or "a" or "sup" or "sub";

    /// <summary>Leaves an element on its end, so that the next advance is what follows it.</summary>
    private static void Skip(XmlReader reader, string path)
    {
        if (reader.IsEmptyElement)
        {
            return;
        }

        var depth = reader.Depth;
        while (Advance(reader, path) && reader.Depth > depth)
        {
        }
    }

    private static bool Advance(XmlReader reader, string path)
    {
        try
        {
            return reader.Read();
        }
        catch (XmlException exception)
        {
            throw new IotaException(ExitCode.Data, $"{path} is not well-formed XML: {exception.Message} Reinstall the .NET SDK, or give other data with --data.", exception);
        }
    }

    /// <summary>Text in which every run of white space is one space.</summary>
    private sealed class Paragraph
    {
        private readonly StringBuilder _text = new();
        private string? _label;
        private bool _spaceIsDue;

        public bool IsEmpty => _text.Length == 0;

        public void Clear()
        {
            _text.Clear();
            _label = null;
            _spaceIsDue = false;
        }

        public void Begin(string? label)
        {
            _label = label;
            _spaceIsDue = true;
        }

        public void AddSpace() => _spaceIsDue = true;

        public void Add(string text)
        {
            foreach (var character in text)
            {
                if (char.IsWhiteSpace(character))
                {
                    _spaceIsDue = true;
                    continue;
                }

                if (_spaceIsDue && _text.Length > 0)
                {
                    _text.Append(' ');
                }

                _spaceIsDue = false;
                if (_label is not null)
                {
                    _text.Append(_label).Append(": ");
                    _label = null;
                }

                _text.Append(character);
            }
        }

        public override string ToString() => _text.ToString();
    }
}
