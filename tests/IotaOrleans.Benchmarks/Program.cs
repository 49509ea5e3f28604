// Every figure that the README quotes, each from one command:
//   dotnet run -c Release --project tests/IotaOrleans.Benchmarks -- pipeline --json
using System.CommandLine;
using IotaOrleans.Benchmarks.Adversaries;
using IotaOrleans.Benchmarks.Compression;
using IotaOrleans.Benchmarks.Kernels;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Benchmarks.Memory;
using IotaOrleans.Benchmarks.Pipeline;
using IotaOrleans.Benchmarks.Reports;
using IotaOrleans.Benchmarks.Rewards;
using IotaOrleans.Benchmarks.Schedules;
using IotaOrleans.Benchmarks.Swarm;
using IotaOrleans.Benchmarks.Transport;
using IotaOrleans.Benchmarks.Unequal;
using IotaOrleans.Benchmarks.Wan;

var root = new RootCommand("Measures IotaOrleans against what it must be compared with, both sides in one run.");
root.Subcommands.Add(PipelineBenchmark.Command());
root.Subcommands.Add(ScheduleBenchmark.Command());
root.Subcommands.Add(MemoryBenchmark.Command());
root.Subcommands.Add(TransportBenchmark.Command());
root.Subcommands.Add(KernelsBenchmark.Command());
root.Subcommands.Add(CompressionBenchmark.Command());
root.Subcommands.Add(SwarmBenchmark.Command());
root.Subcommands.Add(UnequalBenchmark.Command());
root.Subcommands.Add(WanBenchmark.Command());
root.Subcommands.Add(AdversariesBenchmark.Command());
root.Subcommands.Add(RewardsBenchmark.Command());
root.Subcommands.Add(AllCommand.Create());
root.Subcommands.Add(PlainProcess.Command());
root.Subcommands.Add(WarmProgram.Command());
root.Subcommands.Add(ReceiverProcess.Command());
root.Subcommands.Add(TailProcess.Command());
return await root.Parse(args).InvokeAsync();
