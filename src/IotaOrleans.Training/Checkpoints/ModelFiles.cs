using System.Text.Json;

namespace IotaOrleans.Training.Checkpoints;

/// <summary>Finds and opens the safetensors files of a model directory.</summary>
public static class ModelFiles
{
    /// <summary>A model in one file.</summary>
    public const string SingleName = "model.safetensors";
    /// <summary>The index of a model in several files.</summary>
    public const string IndexName = "model.safetensors.index.json";

    /// <summary>Opens the single file, or else every file of the index; the caller disposes them.</summary>
    public static IReadOnlyList<SafetensorsFile> Open(string directory)
    {
        string single = Path.Combine(directory, SingleName);
        string index = Path.Combine(directory, IndexName);
        if (File.Exists(single) || !File.Exists(index))
        {
            return [SafetensorsFile.Open(single)];
        }

        Dictionary<string, string> fileOf = ReadIndex(index);
        var files = new List<SafetensorsFile>();
        try
        {
            foreach (string name in fileOf.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            {
                files.Add(SafetensorsFile.Open(Path.Combine(directory, name)));
            }

            CheckIndex(index, fileOf, files);
            return files;
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    private static Dictionary<string, string> ReadIndex(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (!document.RootElement.TryGetProperty("weight_map", out JsonElement map))
            {
                throw ModelErrors.Create(path, "weight_map is missing");
            }

            Dictionary<string, string> fileOf = map.EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetString() ?? string.Empty, StringComparer.Ordinal);
            string? strange = fileOf.Values.FirstOrDefault(name => !IsPlainFileName(name));
            return strange is null ? fileOf : throw ModelErrors.Create(path, $"weight_map names {strange}, expected the name of a .safetensors file in the same folder");
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            throw ModelErrors.Create(path, $"is not a valid index: {broken.Message}", broken);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw ModelErrors.Create(path, $"cannot be read: {failure.Message}", failure);
        }
    }

    // The index may come from anywhere: it must not lead out of the directory.
    private static bool IsPlainFileName(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal) && name.IndexOfAny(['/', '\\', ':', '\0']) < 0;

    private static void CheckIndex(string index, Dictionary<string, string> fileOf, List<SafetensorsFile> files)
    {
        foreach (SafetensorsFile file in files)
        {
            string fileName = Path.GetFileName(file.Path);
            foreach (string tensor in file.Tensors.Keys)
            {
                if (!fileOf.TryGetValue(tensor, out string? indexed) || indexed != fileName)
                {
                    throw ModelErrors.Create(index, $"tensor {tensor} is in {fileName}, the index says {indexed ?? "nothing"}");
                }
            }

            string? missing = fileOf.Keys.FirstOrDefault(tensor => fileOf[tensor] == fileName && !file.Tensors.ContainsKey(tensor));
            if (missing is not null)
            {
                throw ModelErrors.Create(file.Path, $"tensor {missing} is missing, the index says that it is here");
            }
        }
    }
}
