using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace IotaOrleans.Tests.Architecture;

/// <summary>
/// libtorch lives in one room, and nothing awaits in it: dispose scopes and grad mode belong to a thread, and after an await the rest
/// of a method may run on another one.
/// </summary>
public sealed class TorchRoomTests
{
    private const string Room = "IotaOrleans.Training";

    [Fact]
    public void Only_the_training_room_references_torch()
    {
        var projects = Directory.EnumerateFiles(Path.Combine(Root(), "src"), "*.csproj", SearchOption.AllDirectories).ToList();
        var withTorch = projects.Where(path => XDocument.Load(path).Descendants("PackageReference").Any(reference => reference.Attribute("Include")!.Value.Contains("torch", StringComparison.OrdinalIgnoreCase)));

        projects.Should().HaveCountGreaterThan(5);
        withTorch.Select(Path.GetFileNameWithoutExtension).Should().Equal(Room);
        SourceFiles().Where(path => !path.Contains($"{Path.DirectorySeparatorChar}{Room}{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Where(path => UsesTorch(File.ReadAllText(path))).Should().BeEmpty();
    }

    [Fact]
    public void No_file_that_uses_torch_awaits_but_the_lane_itself()
    {
        var offenders = SourceFiles().Where(path => Path.GetFileName(path) != "ComputeLane.cs").SelectMany(path => Offences(File.ReadAllText(path)).Select(line => $"{Path.GetFileName(path)}:{line}"));

        offenders.Should().BeEmpty();
    }

    [Fact]
    public void The_lane_calls_nothing_of_torch_but_the_number_of_threads()
    {
        var lane = File.ReadAllText(SourceFiles().Single(path => Path.GetFileName(path) == "ComputeLane.cs"));
        var calls = CSharpSyntaxTree.ParseText(lane).GetRoot().DescendantNodes().OfType<MemberAccessExpressionSyntax>()
            .Where(access => access.Expression.ToString() == "torch").Select(access => access.Name.ToString());

        calls.Should().Equal("set_num_threads");
    }

    [Theory]
    [InlineData("using TorchSharp; class A { async Task B() { using var s = torch.NewDisposeScope(); await Task.Yield(); } }", 1)]
    [InlineData("using static TorchSharp.torch; class A { async Task B() { await foreach (var c in D()) { } } }", 1)]
    [InlineData("using static TorchSharp.torch; class A { async Task B() { await using var c = D(); } }", 1)]
    [InlineData("using static TorchSharp.torch; class A { void B() { ones(1); } }", 0)]
    [InlineData("class A { async Task B() { await Task.Yield(); } }", 0)]
    public void The_rule_finds_what_it_must_and_nothing_else(string code, int offences) => Offences(code).Should().HaveCount(offences);

    private static bool UsesTorch(string code) =>
        CSharpSyntaxTree.ParseText(code).GetRoot().DescendantNodes().OfType<NameSyntax>().Any(name => name.ToString().StartsWith("TorchSharp", StringComparison.Ordinal));

    private static IEnumerable<int> Offences(string code)
    {
        if (!UsesTorch(code))
        {
            return [];
        }

        var root = CSharpSyntaxTree.ParseText(code).GetRoot();
        return root.DescendantTokens().Where(token => token.IsKind(SyntaxKind.AwaitKeyword)).Select(token => token.GetLocation().GetLineSpan().StartLinePosition.Line + 1);
    }

    private static IEnumerable<string> SourceFiles() => Directory.EnumerateFiles(Path.Combine(Root(), "src"), "*.cs", SearchOption.AllDirectories);

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
