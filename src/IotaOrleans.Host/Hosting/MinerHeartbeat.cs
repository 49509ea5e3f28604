using IotaOrleans.Grains.Hosting;
using IotaOrleans.Training.Lanes;
using Microsoft.Extensions.Options;

namespace IotaOrleans.Host.Hosting;

/// <summary>Tells the miners' records, again and again, that this silo hosts them and what it offers.</summary>
internal sealed partial class MinerHeartbeat(
    IGrainFactory grains, ILocalSiloDetails silo, IOptions<IotaSiloOptions> options, TimeProvider time, ILogger<MinerHeartbeat> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Miners.Count == 0)
        {
            return;
        }

        using var lane = new ComputeLane("speed");
        var speed = await lane.RunAsync(SpeedProbe.Measure, stoppingToken);
        lane.Dispose();
        var capability = new MinerCapability(silo.SiloAddress.ToString(), options.Value.Lanes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, speed * options.Value.ProcessorShare, HardwareClass.Own);
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await Task.WhenAll(options.Value.Miners.Select(miner => grains.GetGrain<IMinerGrain>(miner).ReportAsync(capability)));
            }
#pragma warning disable CA1031 // A missed heartbeat is made up for by the next one.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                LogMissed(failure);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(LogLevel.Warning, "the control silo could not be told that this silo's miners are there")]
    private partial void LogMissed(Exception failure);
}
