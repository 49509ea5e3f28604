using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text;
using IotaOrleans.Benchmarks.Compression;
using IotaOrleans.Benchmarks.Kernels;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Benchmarks.Memory;
using IotaOrleans.Benchmarks.Pipeline;
using IotaOrleans.Benchmarks.Rewards;
using IotaOrleans.Benchmarks.Schedules;
using IotaOrleans.Benchmarks.Swarm;
using IotaOrleans.Benchmarks.Transport;
using IotaOrleans.Benchmarks.Unequal;
using IotaOrleans.Benchmarks.Wan;
using IotaOrleans.Training.Data;

namespace IotaOrleans.Benchmarks.Reports;

/// <summary>Runs every benchmark and writes one Markdown report.</summary>
internal static class AllCommand
{
    public static Command Create()
    {
        var output = new Option<FileInfo>("--output") { Description = "The report", DefaultValueFactory = _ => new FileInfo("benchmarks.md") };
        var rounds = new Option<int>("--rounds") { Description = "Rounds of each comparison", DefaultValueFactory = _ => 5 };
        var minutes = new Option<double>("--minutes") { Description = "Length of the memory run", DefaultValueFactory = _ => 5 };
        var command = new Command("all", "Everything, as a Markdown report") { output, rounds, minutes };
        command.SetAction(async (parsed, cancellation) =>
        {
            var (file, count) = (parsed.GetValue(output)!, parsed.GetValue(rounds));
            (string Title, Func<Task<IReadOnlyList<Comparison>>> Measure)[] parts =
            [
                ("Pipeline", () => PipelineBenchmark.MeasureAsync(["nano", "tiny"], PipelineBenchmark.DefaultTokenizer, PipelineBenchmark.DefaultStarts, PipelineBenchmark.DefaultRounds, PipelineBenchmark.DefaultSlice)),
                ("Schedules, simulated", () => Task.FromResult<IReadOnlyList<Comparison>>([.. ScheduleBenchmark.Simulated(chunks: 2)])),
                ("Schedules, live", () => ScheduleBenchmark.LiveAsync(10, rounds: 1)),
                ("Transport", async () => await TransportBenchmark.MeasureAsync(rounds: 21, underWay: 1)),
                ("Kernels", () => Task.FromResult(KernelsBenchmark.Measure())),
                ("Compression", () => CompressionBenchmark.MeasureAsync()),
                ("Many miners", () => SwarmBenchmark.MeasureAsync(DataSourceOptions.DotnetDocumentation, 500, 6, [10, 20, 50], "bf16", null)),
                ("Unequal miners", () => UnequalBenchmark.MeasureAsync(Math.Min(3, count))),
                ("A slow link", () => WanBenchmark.MeasureAsync(rounds: Math.Min(3, count))),
                ("Rewards", () => RewardsBenchmark.MeasureAsync(receipts: 1_000_000, miners: 100_000)),
                ("Memory", () => MemoryBenchmark.MeasureAsync(parsed.GetValue(minutes))),
            ];
            var report = new StringBuilder("# Measured\n\n")
                .AppendLine($"{Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}; medians of {count} rounds, all sides in turn.");
            var passed = true;
            foreach (var (title, measure) in parts)
            {
                var results = await measure();
                passed &= results.All(result => result.Passed);
                report.AppendLine().AppendLine($"## {title}").AppendLine().AppendLine(Comparison.ToMarkdown(results));

                // What is measured is kept, also when a later part fails.
                await File.WriteAllTextAsync(file.FullName, report.ToString(), cancellation);
            }

            Console.Out.WriteLine($"report: {file.FullName}");
            return passed ? 0 : 1;
        });
        return command;
    }
}
