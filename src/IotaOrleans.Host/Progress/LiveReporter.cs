using Spectre.Console;

namespace IotaOrleans.Host.Progress;

/// <summary>A picture that is redrawn in place, for a person at a terminal.</summary>
internal sealed class LiveReporter(IAnsiConsole console, TimeProvider time) : IRunReporter
{
    private static readonly TimeSpan RedrawInterval = TimeSpan.FromMilliseconds(150);
    private static readonly Style Dim = new(decoration: Decoration.Dim);

    private readonly RunProgress _progress = new();
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _activity;
    private Task? _drawing;

    public void Fact(string subject, string text)
    {
        Waiting(null);
        console.Write(new Text($"{subject,-11}", Dim));
        console.Write(new Text(text + "\n"));
    }

    public void Waiting(string? activity)
    {
        if (_drawing is null)
        {
            // A line that the next one overwrites: carriage return, then erase to the end.
            console.Profile.Out.Writer.Write($"\r\u001b[K{Fit(activity)}");
            console.Profile.Out.Writer.Flush();
        }

        lock (_gate)
        {
            _activity = activity;
        }
    }

    public void Notice(string message)
    {
        if (_drawing is null)
        {
            Waiting(null);
        }

        console.Write(new Text(message + "\n", new Style(Color.Yellow)));
    }

    public void Abandon()
    {
        // Below the picture, with the cursor that the picture hides.
        console.Profile.Out.Writer.Write("\r\n\u001b[?25h");
        console.Profile.Out.Writer.Flush();
    }

    public void Recall(RunEvent happened) => _progress.Apply(happened);

    public Task ReportAsync(RunEvent happened)
    {
        lock (_gate)
        {
            _progress.Apply(happened);
        }

        if (_drawing is null)
        {
            Waiting(null);
            _drawing = DrawAsync();
        }

        return Task.CompletedTask;
    }

    public async Task EndAsync(RunEnding ending)
    {
        await DisposeAsync();
        RunSummary.Write(console, _progress, ending);
    }

    public async ValueTask DisposeAsync()
    {
        _ended.TrySetResult();
        if (_drawing is { } drawing)
        {
            await drawing;
        }
        else
        {
            Waiting(null);
        }
    }

    private Task DrawAsync() =>
        console.Live(Picture()).AutoClear(false).Overflow(VerticalOverflow.Crop).StartAsync(async context =>
        {
            while (!_ended.Task.IsCompleted)
            {
                context.UpdateTarget(Picture());
                await Task.WhenAny(_ended.Task, Task.Delay(RedrawInterval, time));
            }

            context.UpdateTarget(Picture());
        });

    private Spectre.Console.Rendering.IRenderable Picture()
    {
        lock (_gate)
        {
            return LiveView.Render(_progress, console.Profile.Width, _activity);
        }
    }

    private string Fit(string? text) => text is null || text.Length < console.Profile.Width ? text ?? "" : text[..(console.Profile.Width - 1)];
}
