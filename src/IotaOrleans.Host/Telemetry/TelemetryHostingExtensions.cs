using IotaOrleans.Grains.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace IotaOrleans.Host.Telemetry;

/// <summary>Measures the silo: Orleans' own instruments, ours, and the runtime's.</summary>
internal static class TelemetryHostingExtensions
{
    private static readonly double[] SecondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    /// <summary>
    /// Registers metrics, which a scrape of <see cref="HostDefaults.MetricsPath"/> reads, and traces. Both are also sent to
    /// a collector when one is set; without one no trace is recorded, since nobody would read it.
    /// </summary>
    public static IHostApplicationBuilder AddIotaTelemetry(this IHostApplicationBuilder builder, TelemetryOptions options)
    {
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(options.ServiceName, serviceInstanceId: options.InstanceName))
            .WithMetrics(metrics => metrics
                .AddMeter("Microsoft.Orleans", IotaInstruments.MeterName)
                .AddRuntimeInstrumentation()
                .AddView(IotaInstruments.StepDurationName, new ExplicitBucketHistogramConfiguration { Boundaries = SecondsBuckets })
                .AddView(IotaInstruments.MicroBatchDurationName, new ExplicitBucketHistogramConfiguration { Boundaries = SecondsBuckets })
                .AddPrometheusExporter());
        if (options.OtlpEndpoint is { } endpoint)
        {
            telemetry.WithTracing(traces => traces.AddSource("Microsoft.Orleans.Runtime", "Microsoft.Orleans.Application", IotaInstruments.MeterName));
            telemetry.UseOtlpExporter(OpenTelemetry.Exporter.OtlpExportProtocol.Grpc, endpoint);
            builder.UseOrleans(silo => silo.AddActivityPropagation());
        }

        return builder;
    }
}
