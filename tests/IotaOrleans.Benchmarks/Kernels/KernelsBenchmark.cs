using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using IotaOrleans.Benchmarks.Measuring;
using Perfolizer.Horology;

namespace IotaOrleans.Benchmarks.Kernels;

/// <summary>
/// The passes through memory that are written here, each against the operations of a library that it stands in for. One that is not faster has no
/// reason to be.
/// </summary>
internal static class KernelsBenchmark
{
    private const int Warmups = 4;
    private const int Iterations = 15;
    private const double MicrosecondsPerNanosecond = 1e-3;

    private static readonly TimeInterval Iteration = TimeInterval.FromMilliseconds(100);

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var command = new Command("kernels", "Passes through memory against a library's operations, by BenchmarkDotNet: what one thread takes for a micro-batch of tiny") { json };
        command.SetAction(parsed =>
        {
            var results = Measure();
            Comparison.Print(results, parsed.GetValue(json));
            return results.All(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    public static IReadOnlyList<Comparison> Measure()
    {
        KernelPair[] pairs = [new NormPair(), new GatePair(), new RotaryPair(), new AdamWPair(), new BFloat16Pair(), new LeasePair()];
        return [.. pairs.Select(Measure)];
    }

    private static Comparison Measure(KernelPair pair)
    {
        // In this process: what BenchmarkDotNet does by itself is to build a program of its own for every measurement.
        var artifacts = Directory.CreateTempSubdirectory("iota-benchmark-");
        try
        {
            var config = ManualConfig.CreateEmpty()
                .AddLogger(NullLogger.Instance)
                .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.DontLogOutput).WithWarmupCount(Warmups).WithIterationCount(Iterations).WithIterationTime(Iteration))
                .WithArtifactsPath(artifacts.FullName)
                .WithOptions(ConfigOptions.DisableLogFile);
            var summary = BenchmarkRunner.Run(pair.GetType(), config);
            return Comparison.Of(pair.Name, "µs", pair.Against, null, Times(nameof(KernelPair.Ours)), Times(nameof(KernelPair.Other))) with { LargestRatio = 1 };

            IReadOnlyList<double> Times(string side)
            {
                var report = summary.Reports.SingleOrDefault(it => it.BenchmarkCase.Descriptor.WorkloadMethod.Name == side);
                return report?.ResultStatistics is { } statistics
                    ? [.. statistics.OriginalValues.Select(time => time * MicrosecondsPerNanosecond)]
                    : throw new InvalidOperationException($"{pair.Name}: {side} was not measured; {string.Join("; ", summary.ValidationErrors.Select(error => error.Message))}");
            }
        }
        finally
        {
            artifacts.Delete(recursive: true);
        }
    }
}
