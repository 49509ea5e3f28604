using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Training.Models;

namespace IotaOrleans.Benchmarks.Memory;

/// <summary>
/// A long run of the real program: resident memory, tensors and leased frames early in the run and at its end. What grows, leaks.
/// </summary>
internal static class MemoryBenchmark
{
    private const double MostGrowth = 1.10;

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var minutes = new Option<double>("--minutes") { Description = "About how long to train; 30 for a soak", DefaultValueFactory = _ => 5 };
        var command = new Command("memory", "Resident memory, tensors and frames from early in a long run to its end") { json, minutes };
        command.SetAction(async (parsed, _) =>
        {
            var results = await MeasureAsync(parsed.GetValue(minutes));
            Comparison.Print(results, parsed.GetValue(json));
            return results.All(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    public static async Task<IReadOnlyList<Comparison>> MeasureAsync(double minutes)
    {
        var folder = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var training = new ClusterTraining
            {
                Preset = ModelPresets.Nano,
                Text = await ClusterTraining.WriteTextAsync(folder.FullName),
                Folder = folder.FullName,
                MicroBatches = 2,
                // More than anybody has time for: the program is stopped when the time is over.
                Steps = 10_000_000,
            };
            using var program = ChildProgram.Start("iota.dll", [.. training.Arguments, "--checkpoint-interval", "500", "--evaluation-interval", "250"]);
            var page = PageOfAsync(program.StandardError);
            var samples = new List<Sample>();
            using var http = new HttpClient();
            var clock = Stopwatch.StartNew();
            var warm = TimeSpan.FromMinutes(minutes / 10);
            while (await program.StandardOutput.ReadLineAsync() is { } line)
            {
                using var document = JsonDocument.Parse(line);
                var happened = document.RootElement.GetProperty("event").GetString();
                if (happened == "step" && document.RootElement.GetProperty("step").GetInt64() % 100 == 0 && clock.Elapsed > warm)
                {
                    samples.Add(await Sample.TakeAsync(program, http, await page));
                }

                if (clock.Elapsed > TimeSpan.FromMinutes(minutes))
                {
                    break;
                }
            }

            program.Kill(entireProcessTree: true);
            await program.WaitForExitAsync();
            var tenth = Math.Max(1, samples.Count / 10);
            return
            [
                Compare("resident memory", "MB", sample => sample.ResidentBytes / 1e6) with { LargestRatio = MostGrowth },
                Compare("tensors alive", "tensors", sample => sample.Tensors) with { LargestRatio = 1 },
                // Frames are on their way at any time; a leak would show as hundreds.
                Compare("frames leased", "frames", sample => sample.Frames) with { Limit = 16 },
            ];

            Comparison Compare(string name, string unit, Func<Sample, double> value) => Comparison.Of(
                $"{name} after {samples.Count * 100:N0} steps",
                unit,
                $"after {tenth * 100:N0} steps",
                null,
                [Comparison.Median([.. samples.TakeLast(tenth).Select(value)])],
                [Comparison.Median([.. samples.Take(tenth).Select(value)])]);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The address that the program prints.</summary>
    private static async Task<string> PageOfAsync(StreamReader messages)
    {
        const string Label = "page: ";
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = Task.Run(async () =>
        {
            while (await messages.ReadLineAsync() is { } line)
            {
                if (line.StartsWith(Label, StringComparison.Ordinal))
                {
                    found.TrySetResult(line[Label.Length..]);
                }
            }

            found.TrySetException(new InvalidOperationException("the program ended without a page"));
        });
        return await found.Task;
    }

    private sealed record Sample(double ResidentBytes, double Tensors, double Frames)
    {
        public static async Task<Sample> TakeAsync(Process program, HttpClient http, string page)
        {
            program.Refresh();
            var metrics = await http.GetStringAsync(new Uri(new Uri(page), "/metrics"));
            return new Sample(program.WorkingSet64, Sum(metrics, "iota_stage_live_tensors"), Sum(metrics, "iota_frames_leased"));
        }

        private static double Sum(string metrics, string name)
        {
            var values = metrics.Split('\n').Where(line => line.StartsWith(name, StringComparison.Ordinal)).Select(line => double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture)).ToArray();
            return values.Length > 0 ? values.Sum() : throw new InvalidOperationException($"the program has no metric {name}");
        }
    }
}
