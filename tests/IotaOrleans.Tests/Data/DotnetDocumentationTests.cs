using IotaOrleans.Training.Data;
using IotaOrleans.Training.Data.Sources;

namespace IotaOrleans.Tests.Data;

public sealed class DotnetDocumentationTests : PreparedDataFixture
{
    private const string Pack = "packs/Microsoft.NETCore.App.Ref";

    [Fact]
    public void A_member_becomes_one_paragraph_of_clean_prose()
    {
        Paragraphs("""
            <member name="M:System.ArgumentOutOfRangeException.ThrowIfNegative``1(``0,System.String)">
              <summary>
                Throws an <see cref="T:System.ArgumentOutOfRangeException" /> if
                <paramref name="value" /> is <see langword="null" />.<para>See <see cref="M:A.B.#ctor(System.Int32)">this</see>.</para>
              </summary>
              <param name="value">The argument.</param>
              <param name="empty"></param>
              <typeparam name="T">Left out.</typeparam>
              <returns><c>true</c> for <see cref="T:System.Collections.Generic.List`1" />s.</returns>
              <exception cref="T:System.InvalidOperationException">It is closed.</exception>
              <remarks>Call <see cref="M:A.B.#ctor(System.Int32)" />:<code>never(this);</code>then go on.</remarks>
            </member>
            """).Should().Equal(
            "Throws an ArgumentOutOfRangeException if value is null. See this. value: The argument. true for Lists. InvalidOperationException: It is closed. Call B: then go on.");
    }

    [Fact]
    public void A_paragraph_is_kept_once_and_members_without_words_not_at_all()
    {
        Paragraphs("""
            <member name="T:A"><summary>Same words.</summary></member>
            <member name="T:B"><summary> Same   words. </summary></member>
            <member name="T:C"><inheritdoc /></member>
            <member name="T:D" />
            <member name="T:E"><summary /></member>
            <member name="T:F"><summary>Other words.</summary></member>
            """).Should().Equal("Same words.", "Other words.");
    }

    [Theory]
    [InlineData("T:System.String", "String")]
    [InlineData("M:System.Collections.Generic.List`1.Add(`0)", "Add")]
    [InlineData("M:System.Uri.#ctor(System.String)", "Uri")]
    [InlineData("Overload:System.IO.File.Open", "Open")]
    [InlineData("M:A.B.op_Implicit(A.B)~System.Int32", "op_Implicit")]
    [InlineData("System.Threading.Tasks.Task%2A", "Task")]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void A_reference_is_called_by_its_last_part(string? reference, string? name)
    {
        CodeReference.ShortName(reference).Should().Be(name);
    }

    [Fact]
    public void Only_the_newest_version_counts_and_other_languages_do_not()
    {
        Write("9.0.10/ref/net9.0/A.xml", "old");
        Write("10.0.0-rc.2.5/ref/net10.0/A.xml", "preview");
        Write("10.0.0/ref/net10.0/B.xml", "second");
        Write("10.0.0/ref/net10.0/A.xml", "first");
        Write("10.0.0/ref/net10.0/de/A.xml", "deutsch");
        Files.Write($"{Pack}/11.0.0/data/A.xml", "no ref folder");
        DotnetDocumentation.Find([Files["elsewhere"], Files.Path]).Read().Should().Equal("first", "\n\n", "second");
    }

    [Fact]
    public void Without_an_sdk_the_message_says_where_it_looked_and_what_to_do()
    {
        var act = () => DotnetDocumentation.Find([Files.Path]);
        act.Should().Throw<IotaException>().Where(exception => exception.ExitCode == ExitCode.Data && exception.Message.Contains(Files["packs"]) && exception.Message.Contains("DOTNET_ROOT"));
    }

    [Fact]
    public void A_damaged_file_is_named()
    {
        var path = Files.Write($"{Pack}/10.0.0/ref/net10.0/A.xml", "<doc><members><member>");
        var act = () => DotnetDocumentation.Find([Files.Path]).Read().ToList();
        act.Should().Throw<IotaException>().Where(exception => exception.ExitCode == ExitCode.Data && exception.Message.Contains(path));
    }

    [Fact]
    public void The_sdk_that_builds_these_tests_is_found_and_gives_megabytes_of_plain_text()
    {
        using var data = Prepare(new DataSourceOptions { Data = DataSourceOptions.DotnetDocumentation });
        (data.Train.Count + data.Validation.Count).Should().BeGreaterThan(5_000_000);
        data.Description.Source.Should().StartWith("dotnet-docs (");
        Decode(data, data.Validation).Should().NotContainAny("<see", "  ", "&lt;");
    }

    private List<string> Paragraphs(string members)
    {
        var path = Files.Write($"{Pack}/10.0.0/ref/net10.0/A.xml", $"<doc><members>{members}</members></doc>");
        File.Exists(path).Should().BeTrue();
        return [.. DotnetDocumentation.Find([Files.Path]).Read().Where(piece => piece != TextSource.Separator)];
    }

    private void Write(string relative, string summary)
    {
        Files.Write($"{Pack}/{relative}", $"<doc><members><member name='T:A'><summary>{summary}</summary></member></members></doc>");
    }
}
