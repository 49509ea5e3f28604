using System.Runtime.CompilerServices;

namespace IotaOrleans.Tests.Architecture;

/// <summary>A test that draws other cases in every run fails on somebody else's machine: all of them draw from fixed seeds.</summary>
public sealed class RepeatableTests
{
    [Fact]
    public void No_test_draws_cases_of_its_own()
    {
        var tests = Path.GetFullPath(Path.Combine(Here(), "..", ".."));
        var offenders = Directory.EnumerateFiles(tests, "*.cs", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(path) is not ("Property.cs" or "RepeatableTests.cs"))
            .Where(path => File.ReadAllText(path) is var code && (code.Contains(".Sample(") || code.Contains("Random.Shared") || code.Contains("new Random()")));

        offenders.Select(Path.GetFileName).Should().BeEmpty();
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
