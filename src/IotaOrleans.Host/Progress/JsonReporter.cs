namespace IotaOrleans.Host.Progress;

/// <summary>One JSON object a line and nothing else on the output; what people should read goes to the error stream.</summary>
internal sealed class JsonReporter(TextWriter output, TextWriter messages, bool quiet) : IRunReporter
{
    public void Fact(string subject, string text)
    {
        if (!quiet)
        {
            messages.WriteLine($"{subject}: {text}");
        }
    }

    public void Waiting(string? activity)
    {
    }

    public void Notice(string message) => messages.WriteLine(message);

    public void Abandon()
    {
    }

    public void Recall(RunEvent happened)
    {
    }

    public async Task ReportAsync(RunEvent happened)
    {
        // The end is written by EndAsync, with the sample, so that it is the last line.
        if (!quiet && happened is not (RunFinished or RunInterrupted or RunFailed))
        {
            await output.WriteLineAsync(RunEventJson.Line(happened));
            await output.FlushAsync();
        }
    }

    public async Task EndAsync(RunEnding ending)
    {
        await output.WriteLineAsync(RunEventJson.Line(ending));
        await output.FlushAsync();
        if (ending.ResumeCommand is { } command)
        {
            await messages.WriteLineAsync($"resume with: {command}");
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
