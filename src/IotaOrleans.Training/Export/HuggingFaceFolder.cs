using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Training.Export;

/// <summary>Writes a model as a folder in Hugging Face layout: configuration, weights in one file or in several with an index, tokenizer.</summary>
public static class HuggingFaceFolder
{
    // What belongs to a run and not to its model, and what is written anew.
    private static readonly HashSet<string> NotCarried =
        [LlamaConfigurationFile.Name, ModelFiles.IndexName, CheckpointDescription.FileName];

    /// <summary>Writes the model of a folder into another.</summary>
    /// <param name="source">A folder with a model in Hugging Face layout, such as a checkpoint.</param>
    /// <param name="target">The new folder; its parent is created when absent.</param>
    /// <param name="type">Element type of the weights, or null for each tensor's own: then its bytes do not change.</param>
    /// <param name="largestFile">Most bytes of weights in one file; a larger tensor has a file of its own.</param>
    /// <returns>The number of files with weights.</returns>
    /// <exception cref="IotaException">The source is no sound model, the target exists, or it cannot be written.</exception>
    public static int Write(string source, string target, SafetensorsDType? type, long largestFile)
    {
        using var model = ModelDirectory.Open(source);
        if (Path.Exists(target))
        {
            throw new IotaException(ExitCode.Usage, $"{target} exists already: choose another folder, or remove it");
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target))!);
        var files = Deal(model, type, largestFile);
        AtomicDirectory.Write(target, folder =>
        {
            WriteConfiguration(model, type, folder);
            WriteWeights(model, type, files, folder);
            foreach (var file in Directory.EnumerateFiles(source).Where(IsCarried))
            {
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            }
        });
        return files.Count;
    }

    private static bool IsCarried(string path) =>
        Path.GetExtension(path) is ".json" or ".txt" or ".model" or ".tiktoken" or ".jinja" or ".md"
        && !NotCarried.Contains(Path.GetFileName(path));

    /// <summary>Tensors in order, as many in a file as fit.</summary>
    private static List<List<SafetensorsTensor>> Deal(ModelDirectory model, SafetensorsDType? type, long largestFile)
    {
        var files = new List<List<SafetensorsTensor>> { new() };
        var bytes = 0L;
        foreach (var tensor in LlamaTensors.All(model.Configuration))
        {
            var entry = model.Tensors[tensor.Name];
            var written = new SafetensorsTensor(tensor.Name, type ?? entry.DType, tensor.Shape);
            var length = entry.ElementCount * written.DType.Size();
            if (files[^1].Count > 0 && bytes + length > largestFile)
            {
                files.Add([]);
                bytes = 0;
            }

            files[^1].Add(written);
            bytes += length;
        }

        return files;
    }

    private static void WriteWeights(ModelDirectory model, SafetensorsDType? type, List<List<SafetensorsTensor>> files, string folder)
    {
        var fileOf = new JsonObject();
        var total = 0L;
        for (var i = 0; i < files.Count; i++)
        {
            var name = files.Count == 1 ? ModelFiles.SingleName : string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{files.Count:D5}.safetensors");
            using var file = File.Create(Path.Combine(folder, name));
            var writer = new SafetensorsWriter(file, files[i]);
            foreach (var tensor in files[i])
            {
                var bytes = WeightType.Read(model, tensor.Name, tensor.DType);
                writer.Write(tensor.Name, bytes);
                total += bytes.Length;
                fileOf.Add(tensor.Name, name);
            }

            writer.Complete();
        }

        if (files.Count > 1)
        {
            var index = new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = total }, ["weight_map"] = fileOf };
            File.WriteAllText(Path.Combine(folder, ModelFiles.IndexName), index.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
        }
    }

    /// <summary>The configuration as it is, with all that others have put into it; only the type of the weights may be another.</summary>
    private static void WriteConfiguration(ModelDirectory model, SafetensorsDType? type, string folder)
    {
        var configuration = JsonNode.Parse(File.ReadAllBytes(Path.Combine(model.Path, LlamaConfigurationFile.Name)))!.AsObject();
        if (type is not null)
        {
            configuration["torch_dtype"] = type switch
            {
                SafetensorsDType.BF16 => "bfloat16",
                SafetensorsDType.F16 => "float16",
                _ => "float32",
            };
        }

        File.WriteAllText(Path.Combine(folder, LlamaConfigurationFile.Name), configuration.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }
}
