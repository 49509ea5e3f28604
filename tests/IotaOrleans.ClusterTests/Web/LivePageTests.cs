using System.Text.RegularExpressions;
using IotaOrleans.ClusterTests.Grains;
using IotaOrleans.Host.Web;

namespace IotaOrleans.ClusterTests.Web;

/// <summary>
/// The page in a real browser. Set IOTA_SCREENSHOTS to a folder to keep pictures of it.
/// </summary>
public sealed class LivePageTests
{
    [Fact]
    public async Task It_shows_a_run_and_follows_it()
    {
        await using var silo = await WebSilo.StartAsync();
        await using var browser = await Browser.StartAsync();
        await browser.UseAsync(1280, 900);
        await browser.OpenAsync(silo.Address);
        await browser.WaitForAsync("document.getElementById('empty').hidden === false");
        (await browser.TextAsync("#empty")).Should().Contain("No run yet").And.Contain("iota train");
        await SaveAsync(browser, "empty");

        await SampleRun.PublishAsync(silo.View("brisk-otter"), 1_240);
        await browser.WaitForAsync("document.getElementById('step').textContent === 'Step 1,240'");

        (await browser.TextAsync("#run-name")).Should().Be("brisk-otter");
        (await browser.TextAsync("#phase")).Should().Be("training");
        (await browser.TextAsync("#steps")).Should().Be("of 2,000");
        (await browser.TextAsync("#eta")).Should().Be("about 2 min left");
        (await browser.TextAsync("#loss")).Should().Be(SampleRun.Loss(1_240).ToString("0.0000"));
        (await browser.TextAsync("#speed")).Should().Be("12,840");
        (await browser.TextAsync(".stage .miner")).Should().Be("ada|bob|carol|<img src=x onerror=alert(1)>");
        (await browser.TextAsync(".stage .blocks")).Should().StartWith("embed");
        (await browser.TextAsync("#earnings")).Should().Contain("ada").And.Contain("1,000,000").And.Contain("25 %");
        (await browser.TextAsync("#epochs summary")).Should().Contain("Epoch 3").And.Contain("1,000,000 paid");
        (await browser.TextAsync("#checkpoint")).Should().Be("runs/brisk-otter/step-1000");
        await browser.WaitForAsync("document.getElementById('connection-text').textContent === 'live'");
        ((double)(await browser.EvaluateAsync("document.querySelector('.line.train').getTotalLength()"))!).Should().BeGreaterThan(500);
        ((int)(await browser.EvaluateAsync("document.querySelectorAll('.chart text').length"))!).Should().BeGreaterThan(6);
        await SaveAllAsync(browser);

        await silo.View("brisk-otter").PublishAsync(RunPhase.Training, [SampleRun.Step(1_241)]);
        await browser.WaitForAsync("document.getElementById('step').textContent === 'Step 1,241'");

        browser.Complaints.Should().BeEmpty();
    }

    [Fact]
    public async Task A_payslip_opens_with_its_reason_and_stays_open_while_the_run_goes_on()
    {
        await using var silo = await WebSilo.StartAsync();
        await using var browser = await Browser.StartAsync();
        await SampleRun.PublishAsync(silo.View("payslips"), 600);
        await browser.OpenAsync(silo.Address);
        await browser.WaitForAsync("document.querySelector('#epochs summary')");

        await browser.EvaluateAsync("document.querySelector('#epochs summary').click()");
        await silo.View("payslips").PublishAsync(RunPhase.Training, [SampleRun.Step(601)]);
        await browser.WaitForAsync("document.getElementById('step').textContent === 'Step 601'");

        (await browser.TextAsync("#epochs details[open] .slip p")).Should().Contain("25.0 % of 1,000,000");
    }

    [Fact]
    public async Task The_pointer_and_the_arrow_keys_read_single_steps()
    {
        await using var silo = await WebSilo.StartAsync();
        await using var browser = await Browser.StartAsync();
        await SampleRun.PublishAsync(silo.View("readout"), 300);
        await browser.OpenAsync(silo.Address);
        await browser.WaitForAsync("document.getElementById('readout').textContent.includes('step 300')");

        await browser.EvaluateAsync("document.getElementById('chart').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft' }))");
        (await browser.TextAsync("#readout")).Should().Contain("step 299").And.Contain(SampleRun.Loss(299).ToString("0.0000"));

        await browser.EvaluateAsync("(() => { const box = chart.svg.getBoundingClientRect(); chart.svg.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left })); })()");
        (await browser.TextAsync("#readout")).Should().Contain("step 1");
    }

    [Fact]
    public async Task It_says_that_it_is_disconnected()
    {
        await using var browser = await Browser.StartAsync();
        await using (var silo = await WebSilo.StartAsync())
        {
            await SampleRun.PublishAsync(silo.View("gone"), 10);
            await browser.OpenAsync(silo.Address);
            await browser.WaitForAsync("document.getElementById('connection-text').textContent === 'live'");
            await silo.StopAsync();
        }

        await browser.WaitForAsync("document.getElementById('connection-text').textContent.startsWith('disconnected')");
        (await browser.TextAsync("#step")).Should().Be("Step 10", "the last known state stays readable");
    }

    [Fact]
    public async Task With_several_runs_one_is_picked_and_a_failure_is_told()
    {
        await using var silo = await WebSilo.StartAsync();
        await using var browser = await Browser.StartAsync();
        await silo.View("first").PublishAsync(RunPhase.Failed, [RunEvents.Started("first"), new RunFailed { At = RunEvents.Begin, Failure = "miner bob left" }]);
        await SampleRun.PublishAsync(silo.View("second"), 20);
        await browser.OpenAsync(silo.Address);
        await browser.WaitForAsync("document.getElementById('step').textContent === 'Step 20'");

        await browser.EvaluateAsync("(() => { const runs = document.getElementById('runs'); runs.value = 'first'; runs.dispatchEvent(new Event('change')); })()");
        await browser.WaitForAsync("!document.getElementById('failure').hidden");

        (await browser.TextAsync("#failure")).Should().Be("The run failed: miner bob left");
        (await browser.TextAsync("#phase")).Should().Be("failed");
    }

    [Fact]
    public void It_needs_nothing_from_elsewhere()
    {
        var page = LivePage.Load();

        Regex.Matches(page.Html, """(src|href|url)\s*[=(]\s*["']?(?<address>[^"')\s>]+)""").Select(match => match.Groups["address"].Value)
            .Should().OnlyContain(address => address.StartsWith("data:"));
        Regex.Matches(page.Html, "https?://[^'\"<> )]+").Select(match => match.Value).Distinct().Should().OnlyContain(address => address == "http://www.w3.org/2000/svg", "only the name of the SVG vocabulary looks like an address");
        page.ContentSecurityPolicy.Should().StartWith("default-src 'none'").And.NotContain("unsafe");
    }

    private static async Task SaveAllAsync(Browser browser)
    {
        await SaveAsync(browser, "light");
        await browser.UseAsync(1280, 900, dark: true);
        await SaveAsync(browser, "dark");
        await browser.UseAsync(390, 844);
        await SaveAsync(browser, "phone");
        (await browser.EvaluateAsync("document.documentElement.scrollWidth <= innerWidth"))!.GetValue<bool>().Should().BeTrue("nothing may stick out on a phone");
        await browser.UseAsync(390, 844, dark: true);
        await SaveAsync(browser, "phone-dark");
        await browser.UseAsync(1280, 900);
    }

    private static async Task SaveAsync(Browser browser, string name)
    {
        if (Environment.GetEnvironmentVariable("IOTA_SCREENSHOTS") is { Length: > 0 } folder)
        {
            Directory.CreateDirectory(folder);
            await browser.EvaluateAsync("new Promise(resolve => setTimeout(resolve, 500))");
            await File.WriteAllBytesAsync(Path.Combine(folder, name + ".png"), await browser.ScreenshotAsync());
        }
    }
}
