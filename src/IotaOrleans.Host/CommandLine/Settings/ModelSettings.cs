using System.CommandLine;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Host.CommandLine.Settings;

/// <summary>Which model is trained.</summary>
internal sealed class ModelSettings : ISettings
{
    public Setting<ModelPreset> Preset { get; } = new(
        SettingGroups.Model, "--preset",
        "Shape and training settings: " + string.Join("; ", ModelPresets.All.Select(preset => $"{preset.Name} ({preset.Summary})")),
        Values.OneOf(ModelPresets.All.Select(preset => (preset.Name, preset)).ToArray()), ModelPresets.Nano);

    public Setting<string?> Config { get; } = new(
        SettingGroups.Model, "--config", "Take the shape from a Llama config.json instead of the preset", Values.Text("FILE"), null);

    public Setting<string?> Model { get; } = new(
        SettingGroups.Model, "--model", "Start from the weights of a Llama folder (config.json and safetensors) instead of random ones",
        Values.Text("DIR"), null);

    public Setting<int?> Context { get; } = new(
        SettingGroups.Model, "--context", "Tokens per sequence", Values.Whole(2, 1 << 20).OrNone(), null, "by preset");

    public Setting<int?> Bottleneck { get; } = new(
        SettingGroups.Model, "--bottleneck", "Channels that pass from stage to stage, less than the model's width; with '--wire bf16' a 64th of the width is 128 times fewer bytes",
        Values.Whole(1, 1 << 20).OrNone(), null, "the whole width");

    public IEnumerable<Option> All => [Preset, Config, Model, Context, Bottleneck];
}
