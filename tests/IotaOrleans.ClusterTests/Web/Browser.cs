using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IotaOrleans.ClusterTests.Web;

/// <summary>A headless Chromium with one page, driven by the DevTools protocol over a plain web socket.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly DirectoryInfo _profile;
    private readonly ClientWebSocket _socket = new();
    private int _lastId;

    private Browser(Process process, DirectoryInfo profile)
    {
        _process = process;
        _profile = profile;
    }

    /// <summary>What the page complained about: console errors, exceptions, failed loads, refused content.</summary>
    public List<string> Complaints { get; } = [];

    public static async Task<Browser> StartAsync()
    {
        var profile = Directory.CreateTempSubdirectory("iota-browser-");
        var process = Process.Start(new ProcessStartInfo(Locate(), [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--remote-debugging-port=0", $"--user-data-dir={profile.FullName}", "about:blank"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        var browser = new Browser(process, profile);
        var port = await browser.ReadPortAsync();
        using var http = new HttpClient();
        var targets = JsonNode.Parse(await http.GetStringAsync($"http://127.0.0.1:{port}/json/list"))!.AsArray();
        var page = targets.First(target => (string?)target!["type"] == "page")!;
        await browser._socket.ConnectAsync(new Uri((string)page["webSocketDebuggerUrl"]!), CancellationToken.None);
        foreach (var domain in new[] { "Page", "Runtime", "Log", "Network" })
        {
            await browser.SendAsync($"{domain}.enable");
        }

        return browser;
    }

    public Task OpenAsync(Uri address) => SendAsync("Page.navigate", new { url = address.ToString() });

    public async Task UseAsync(int width, int height, bool dark = false)
    {
        await SendAsync("Emulation.setDeviceMetricsOverride", new { width, height, deviceScaleFactor = 1, mobile = width < 600 });
        await SendAsync("Emulation.setEmulatedMedia", new { features = new[] { new { name = "prefers-color-scheme", value = dark ? "dark" : "light" } } });
    }

    /// <summary>The value of a JavaScript expression.</summary>
    public async Task<JsonNode?> EvaluateAsync(string expression)
    {
        var answer = await SendAsync("Runtime.evaluate", new { expression, awaitPromise = true, returnByValue = true });
        return answer["exceptionDetails"] is { } failure ? throw new InvalidOperationException($"{expression}: {failure}") : answer["result"]!["value"];
    }

    /// <summary>Waits until an expression is true, asking the page at each of its frames.</summary>
    public async Task WaitForAsync(string expression)
    {
        var waiting = $$"""
            new Promise(resolve => {
              const began = performance.now();
              (function look() {
                let holds = false;
                try { holds = !!({{expression}}); } catch { }
                if (holds || performance.now() - began > 30000) resolve(holds); else setTimeout(look, 50);
              })();
            })
            """;
        if (!(bool)(await EvaluateAsync(waiting))!)
        {
            var text = await EvaluateAsync("document.body?.innerText ?? ''");
            throw new TimeoutException($"the page never came to: {expression}\nit shows:\n{text}\nit complained:\n{string.Join('\n', Complaints)}");
        }
    }

    public async Task<string> TextAsync(string selector) =>
        (string?)await EvaluateAsync($"[...document.querySelectorAll({JsonSerializer.Serialize(selector)})].map(node => node.innerText).join('|')") ?? "";

    /// <summary>A picture of the whole page.</summary>
    public async Task<byte[]> ScreenshotAsync()
    {
        var answer = await SendAsync("Page.captureScreenshot", new { format = "png", captureBeyondViewport = true });
        return Convert.FromBase64String((string)answer["data"]!);
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        try
        {
            _profile.Delete(recursive: true);
        }
        catch (IOException)
        {
            // A child that is still going down may write a last file; the folder is a temporary one.
        }
    }

    private static string Locate()
    {
        if (Environment.GetEnvironmentVariable("IOTA_CHROMIUM") is { Length: > 0 } path)
        {
            return path;
        }

        string[] names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return names.SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("no Chromium found: install it (Debian: apt-get install chromium) or name it in IOTA_CHROMIUM");
    }

    private async Task<int> ReadPortAsync()
    {
        // "DevTools listening on ws://127.0.0.1:PORT/devtools/browser/…"
        const string Marker = "DevTools listening on ";
        using var patience = new CancellationTokenSource(Patience);
        while (await _process.StandardError.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.StartsWith(Marker, StringComparison.Ordinal))
            {
                _ = _process.StandardError.ReadToEndAsync(CancellationToken.None);
                _ = _process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                return new Uri(line[Marker.Length..]).Port;
            }
        }

        throw new InvalidOperationException("the browser ended before it opened its debugging port");
    }

    /// <summary>Sends a command and reads messages until its answer comes. One command at a time.</summary>
    private async Task<JsonNode> SendAsync(string method, object? parameters = null)
    {
        using var patience = new CancellationTokenSource(Patience);
        var id = Interlocked.Increment(ref _lastId);
        var command = JsonSerializer.SerializeToUtf8Bytes(new { id, method, @params = parameters ?? new { } });
        await _socket.SendAsync(command, WebSocketMessageType.Text, endOfMessage: true, patience.Token);
        while (true)
        {
            var message = await ReceiveAsync(patience.Token);
            if ((int?)message["id"] == id)
            {
                return message["error"] is { } error ? throw new InvalidOperationException($"{method}: {error}") : message["result"]!;
            }

            Note(message);
        }
    }

    private void Note(JsonNode message)
    {
        var details = message["params"];
        var complaint = (string?)message["method"] switch
        {
            "Runtime.exceptionThrown" => details!["exceptionDetails"]!.ToJsonString(),
            "Runtime.consoleAPICalled" when (string?)details!["type"] is "error" or "warning" => details["args"]!.ToJsonString(),
            "Log.entryAdded" when (string?)details!["entry"]!["level"] is "error" or "warning" => details["entry"]!.ToJsonString(),
            _ => null,
        };
        if (complaint is not null)
        {
            Complaints.Add(complaint);
        }
    }

    private async Task<JsonNode> ReceiveAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        using var message = new MemoryStream();
        ValueWebSocketReceiveResult part;
        do
        {
            part = await _socket.ReceiveAsync(buffer.AsMemory(), cancellationToken);
            message.Write(buffer.AsSpan(0, part.Count));
        }
        while (!part.EndOfMessage);
        return JsonNode.Parse(Encoding.UTF8.GetString(message.GetBuffer().AsSpan(0, (int)message.Length)))!;
    }
}
