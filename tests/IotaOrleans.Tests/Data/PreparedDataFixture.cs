using IotaOrleans.Training.Data;

namespace IotaOrleans.Tests.Data;

/// <summary>A folder for sources, and data prepared from them beside.</summary>
public abstract class PreparedDataFixture : IDisposable
{
    internal TemporaryDirectory Files { get; } = new();

    public void Dispose()
    {
        Files.Dispose();
        GC.SuppressFinalize(this);
    }

    protected TokenDataSet Prepare(DataSourceOptions options, int minimumTokens = 2) => TokenDataSet.Prepare(options, Files["out"], minimumTokens);

    /// <summary>The message with which data is refused.</summary>
    protected string Refused(DataSourceOptions options, ExitCode kind = ExitCode.Data, int minimumTokens = 2)
    {
        var act = () => Prepare(options, minimumTokens);
        var exception = act.Should().Throw<IotaException>().Which;
        exception.ExitCode.Should().Be(kind);
        exception.Message.Should().NotContain("\n").And.EndWith(".");
        return exception.Message;
    }

    /// <summary>The whole training text.</summary>
    protected string TextOf(DataSourceOptions options)
    {
        using var data = Prepare(options with { ValidationFraction = 0 });
        return Decode(data, data.Train);
    }

    protected static string Decode(TokenDataSet data, TokenFile file) => data.Tokenizer!.Decode([.. Tokens(file).Select(token => (int)token)]);

    protected static long[] Tokens(TokenFile file)
    {
        var tokens = new long[file.Count];
        file.Read(0, tokens);
        return tokens;
    }
}
