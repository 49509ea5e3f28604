using Microsoft.AspNetCore.Diagnostics;
using Orleans.Runtime;

namespace IotaOrleans.Host.Web;

/// <summary>A cluster that does not answer is said to be so: 503 and what to look at, instead of 500 and nothing.</summary>
internal sealed class ClusterExceptionHandler : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is not (TimeoutException or OrleansException or IotaException))
        {
            return false;
        }

        await TypedResults.Problem(
            statusCode: StatusCodes.Status503ServiceUnavailable,
            title: "The cluster does not answer",
            detail: exception is IotaException ? exception.Message : $"A control silo may be starting or stopping: try again in a few seconds, and see {HostDefaults.ReadyPath}.")
            .ExecuteAsync(httpContext);
        return true;
    }
}
