using System.Collections.Immutable;
using System.CommandLine;
using System.Diagnostics;
using IotaOrleans.Benchmarks.Measuring;
using IotaOrleans.Grains.Shards;
using IotaOrleans.Host.Hosting;
using IotaOrleans.Tensors;
using Microsoft.Extensions.DependencyInjection;

namespace IotaOrleans.Benchmarks.Transport;

/// <summary>
/// Frames from one silo process to another over loopback: by our socket, by grain calls, and by a plain socket loop that sends the same
/// bytes with a length in front and waits for one byte. One frame is under way at a time on every side.
/// </summary>
internal static class TransportBenchmark
{
    private const double MegaByte = 1e6;
    private const int ControlCalls = 400;
    private const int ControlCallsBesideGrains = 40;
    private const int MaximumControlRounds = 7;
    private static readonly (string Name, int Bytes, int Frames, int GrainFrames)[] Sizes =
        [("64 KiB", 64 << 10, 1024, 128), ("1 MiB", 1 << 20, 128, 16), ("16 MiB", 16 << 20, 12, 2), ("50 MiB", 50 << 20, 5, 1)];

    public static Command Command()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object a line instead of a table" };
        var rounds = new Option<int>("--rounds") { Description = "Rounds; each runs all sides once, in turn", DefaultValueFactory = _ => 21 };
        var underWay = new Option<int>("--under-way") { Description = "Frames that are sent before the first is acknowledged, on every side", DefaultValueFactory = _ => 1 };
        var command = new Command("transport", "Frames between two silos: our socket against a plain one and against grain calls") { json, rounds, underWay };
        command.SetAction(async (parsed, _) =>
        {
            var results = await MeasureAsync(parsed.GetValue(rounds), parsed.GetValue(underWay));
            Comparison.Print(results, parsed.GetValue(json));
            return results.TrueForAll(result => result.Passed) ? 0 : 1;
        });
        return command;
    }

    public static async Task<List<Comparison>> MeasureAsync(int rounds, int underWay)
    {
        var endpoints = SiloEndpoints.NewCluster();
        using var host = await BenchmarkSilo.StartAsync(endpoints);
        await using var receiver = await Receiver.StartAsync(endpoints);
        using var socket = ActivatorUtilities.CreateInstance<SocketTensorTransport>(host.Services);
        var grains = host.Services.GetRequiredService<GrainTensorTransport>();
        using var plain = new PlainSender(receiver.PlainLoop);
        var results = new List<Comparison>();
        foreach (var (name, bytes, frames, grainFrames) in Sizes)
        {
            List<double> ours = [], raw = [], calls = [], allocated = [], allocatedByCalls = [];
            // Memory that was never written to would be cheaper to read than any real frame.
            // Round zero lets the compiler finish; it is not counted.
            foreach (var frame in Enumerable.Range(0, underWay + 1).Select(i => Frame(bytes, i)).ToArray())
            {
                new Random(1).NextBytes(frame.Payload.Span);
                frame.Dispose();
            }

            for (var round = 0; round <= rounds; round++)
            {
                var plainRate = await plain.SendAsync(bytes, frames, underWay);
                var (rate, allocation) = await SendAsync(socket, receiver, bytes, frames, underWay);
                var (callRate, callAllocation) = await SendAsync(grains, receiver, bytes, grainFrames, underWay);
                await Console.Error.WriteLineAsync($"{name} round {round} of {rounds}: socket {rate / MegaByte:N0}, plain loop {plainRate / MegaByte:N0}, grain calls {callRate / MegaByte:N0} MB/s");
                if (round > 0)
                {
                    ours.Add(rate / MegaByte);
                    raw.Add(plainRate / MegaByte);
                    calls.Add(callRate / MegaByte);
                    allocated.Add(allocation);
                    allocatedByCalls.Add(callAllocation);
                }
            }

            results.Add(Comparison.Of($"{name} frames, {underWay} under way", "MB/s", "plain socket loop, one byte of acknowledgement", bytes >= 1 << 20 ? 0.8 : null, ours, raw));
            results.Add(Comparison.Of($"{name} frames, {underWay} under way", "MB/s", "grain calls", null, ours, calls));
            results.Add(Comparison.Of($"{name} frames, managed allocation, both processes", "B per payload byte", "grain calls", null, allocated, allocatedByCalls) with { Limit = 0.05 });
        }

        List<double> control = [], controlBesideCalls = [];
        for (var round = 0; round < Math.Min(rounds, MaximumControlRounds); round++)
        {
            control.Add(await ControlCallAsync(host.Services.GetRequiredService<IGrainFactory>(), socket, ControlCalls));
            controlBesideCalls.Add(await ControlCallAsync(host.Services.GetRequiredService<IGrainFactory>(), grains, ControlCallsBesideGrains));
            await Console.Error.WriteLineAsync($"control call round {round + 1} of {Math.Min(rounds, MaximumControlRounds)}: p95 {control[^1]:0.00} ms beside the socket, {controlBesideCalls[^1]:0.00} ms beside grain calls");
        }

        results.Add(Comparison.Of("control call during 50 MiB frames, p95", "ms", "the same during grain calls", null, control, controlBesideCalls) with { Limit = 5 });
        await host.StopAsync();
        return results;
    }

    /// <returns>Bytes per second, and managed bytes allocated in both processes per payload byte.</returns>
    private static async Task<(double Rate, double Allocation)> SendAsync(ITensorTransport transport, Receiver receiver, int bytes, int frames, int underWay)
    {
        var allocated = GC.GetTotalAllocatedBytes(precise: true) + await receiver.AllocatedAsync();
        var clock = Stopwatch.StartNew();
        var sent = new Queue<Task>(underWay);
        for (var i = 0; i < frames; i++)
        {
            if (sent.Count == underWay)
            {
                await sent.Dequeue();
            }

            sent.Enqueue(transport.SendAsync(BenchmarkSilo.Receiver, Frame(bytes, i)));
        }

        await Task.WhenAll(sent);
        var elapsed = clock.Elapsed;
        allocated = GC.GetTotalAllocatedBytes(precise: true) + await receiver.AllocatedAsync() - allocated;
        var total = (double)bytes * frames;
        return (total / elapsed.TotalSeconds, allocated / total);
    }

    /// <summary>The 95th percentile of a tiny call to the other silo, in milliseconds, while 50 MiB frames go there without a pause.</summary>
    private static async Task<double> ControlCallAsync(IGrainFactory grains, ITensorTransport transport, int calls)
    {
        var shard = grains.GetGrain<IFrameReceiverGrain>(BenchmarkSilo.Receiver.ToString());
        using var enough = new CancellationTokenSource();
        var stream = Task.Run(async () =>
        {
            for (var i = 0; !enough.IsCancellationRequested; i++)
            {
                await transport.SendAsync(BenchmarkSilo.Receiver, Frame(50 << 20, i));
            }
        });
        var durations = new double[calls];
        for (var i = 0; i < calls; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await shard.FindListenerAsync();
            durations[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            // Calls at moments that do not depend on the one before.
            await Task.Delay(1);
        }

        await enough.CancelAsync();
        await stream;
        Array.Sort(durations);
        return durations[(int)(calls * 0.95)];
    }

    private static TensorFrame Frame(int bytes, int index) => TensorFrame.Rent(FramePool.Shared, new FrameHeader
    {
        Kind = FrameKind.Activation,
        Session = Guid.Empty,
        Sequence = index,
        MicroBatch = new MicroBatchId("transport", 0, index, 0),
        SourceStage = 0,
        ElementType = TensorElementType.Float32,
        Shape = [bytes / 4],
        Pathway = ImmutableArray<string>.Empty,
    });
}
