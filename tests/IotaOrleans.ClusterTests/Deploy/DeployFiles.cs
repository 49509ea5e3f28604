using System.Runtime.CompilerServices;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace IotaOrleans.ClusterTests.Deploy;

/// <summary>Reads what is in the deploy folder.</summary>
internal static class DeployFiles
{
    public static string Folder { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(OwnPath())!, "..", "..", "..", "deploy"));

    public static string Read(string path) => File.ReadAllText(Path.Combine(Folder, path));

    /// <summary>The documents of a YAML file, with anchors and merge keys resolved.</summary>
    public static IReadOnlyList<YamlValue> Yaml(string path)
    {
        using var text = new StringReader(Read(path));
        var parser = new MergingParser(new Parser(text));
        var deserializer = new DeserializerBuilder().Build();
        var documents = new List<YamlValue>();
        parser.Consume<StreamStart>();
        while (parser.Accept<DocumentStart>(out _))
        {
            documents.Add(new YamlValue(deserializer.Deserialize(parser)));
        }

        return documents;
    }

    public static IEnumerable<YamlValue> Kubernetes() =>
        Directory.GetFiles(Path.Combine(Folder, "kubernetes"), "*.yaml").Where(path => Path.GetFileName(path) != "kustomization.yaml").SelectMany(Yaml);

    private static string OwnPath([CallerFilePath] string path = "") => path;
}

/// <summary>A node of a YAML document; what is absent is a null value, not an exception.</summary>
internal readonly record struct YamlValue(object? Value)
{
    public YamlValue this[string path] => new(path.Split('.').Aggregate(Value, (node, key) =>
        node is IDictionary<object, object> map && map.TryGetValue(key, out var child) ? child : null));

    public IReadOnlyList<YamlValue> Items => Value is IList<object> list ? [.. list.Select(item => new YamlValue(item))] : [];

    public IReadOnlyDictionary<string, YamlValue> Map => Value is IDictionary<object, object> map
        ? map.ToDictionary(entry => (string)entry.Key, entry => new YamlValue(entry.Value))
        : new Dictionary<string, YamlValue>();

    /// <summary>A map with dots in its keys, such as labels, as plain text.</summary>
    public IReadOnlyDictionary<string, string> Texts => Map.ToDictionary(entry => entry.Key, entry => entry.Value.Text);

    public string Text => Value as string ?? "";

    public IEnumerable<string> ItemTexts => Items.Select(item => item.Text);
}
