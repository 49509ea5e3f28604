namespace IotaOrleans.Training.Checkpoints;

/// <summary>
/// A model in Hugging Face layout, open for reading: <c>config.json</c> with <c>model.safetensors</c>, or with
/// <c>model.safetensors.index.json</c> and the files it names. Every parameter that the configuration asks for is there
/// in the right shape, and no other.
/// </summary>
public sealed class ModelDirectory : IDisposable
{
    private readonly IReadOnlyList<SafetensorsFile> _files;
    private readonly Dictionary<string, SafetensorsFile> _fileOf;

    private ModelDirectory(string path, ModelConfiguration configuration, IReadOnlyList<SafetensorsFile> files)
    {
        Path = path;
        Configuration = configuration;
        _files = files;
        _fileOf = files
            .SelectMany(file => file.Tensors.Keys.Where(name => !IsDerived(name)), (file, name) => (file, name))
            .ToDictionary(pair => pair.name, pair => pair.file, StringComparer.Ordinal);
        Tensors = _fileOf.ToDictionary(pair => pair.Key, pair => pair.Value.Tensors[pair.Key], StringComparer.Ordinal);
    }

    /// <summary>The path given to <see cref="Open"/>.</summary>
    public string Path { get; }

    /// <summary>The model's shape.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>The parameters by Hugging Face name; offsets count from the start of the file that holds them.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors { get; }

    /// <summary>Opens a model and checks it against its configuration.</summary>
    /// <exception cref="IotaException">Something is missing, damaged, unsupported or of another shape (<see cref="ExitCode.Model"/>).</exception>
    public static ModelDirectory Open(string path)
    {
        if (!Directory.Exists(path))
        {
            throw ModelErrors.Create(path, "there is no such model directory");
        }

        ModelConfiguration configuration = LlamaConfigurationFile.Read(System.IO.Path.Combine(path, LlamaConfigurationFile.Name));
        IReadOnlyList<SafetensorsFile> files = ModelFiles.Open(path);
        try
        {
            var model = new ModelDirectory(path, configuration, files);
            model.CheckTensors();
            return model;
        }
        catch
        {
            Close(files);
            throw;
        }
    }

    /// <inheritdoc cref="SafetensorsFile.Read" />
    public void Read(string name, Span<byte> destination) => FileOf(name).Read(name, destination);

    /// <inheritdoc cref="SafetensorsFile.ReadSingles" />
    public void ReadSingles(string name, Span<float> destination) => FileOf(name).ReadSingles(name, destination);

    /// <inheritdoc />
    public void Dispose() => Close(_files);

    // Old checkpoints carry the rotary frequencies, which are computed from the configuration.
    private static bool IsDerived(string name) => name.EndsWith(".self_attn.rotary_emb.inv_freq", StringComparison.Ordinal);

    private static void Close(IReadOnlyList<SafetensorsFile> files)
    {
        foreach (SafetensorsFile file in files)
        {
            file.Dispose();
        }
    }

    private SafetensorsFile FileOf(string name) =>
        _fileOf.TryGetValue(name, out SafetensorsFile? file) ? file : throw ModelErrors.Create(Path, $"there is no tensor {name}");

    private void CheckTensors()
    {
        IReadOnlyList<LlamaTensor> expected = LlamaTensors.All(Configuration);
        foreach (LlamaTensor tensor in expected)
        {
            if (!Tensors.TryGetValue(tensor.Name, out SafetensorsEntry? entry))
            {
                throw ModelErrors.Create(_files.Count == 1 ? _files[0].Path : Path, $"tensor {tensor.Name} is missing, expected {ModelErrors.Format(tensor.Shape)}");
            }

            if (!entry.Shape.SequenceEqual(tensor.Shape))
            {
                throw ModelErrors.Create(FileOf(tensor.Name).Path, $"tensor {tensor.Name} is {ModelErrors.Format(entry.Shape)}, expected {ModelErrors.Format(tensor.Shape)}");
            }

            if (!entry.DType.IsWeight())
            {
                throw ModelErrors.Create(FileOf(tensor.Name).Path, $"tensor {tensor.Name} is {entry.DType.ToText()}, expected F32, F16 or BF16");
            }
        }

        string? unknown = Tensors.Keys.Except(expected.Select(tensor => tensor.Name)).Order(StringComparer.Ordinal).FirstOrDefault();
        if (unknown is not null)
        {
            string reason = unknown == "lm_head.weight" ? "tie_word_embeddings is true" : $"{LlamaConfigurationFile.Name} describes no such tensor";
            throw ModelErrors.Create(FileOf(unknown).Path, $"tensor {unknown} is not expected: {reason}");
        }
    }
}
