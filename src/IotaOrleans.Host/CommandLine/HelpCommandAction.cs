using System.CommandLine;
using System.CommandLine.Invocation;

namespace IotaOrleans.Host.CommandLine;

/// <summary>Prints the help of the command that was named.</summary>
/// <param name="clearsParseErrors">Whether help was asked for, so that what else is wrong with the command line does not matter.</param>
internal sealed class HelpCommandAction(bool clearsParseErrors) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => clearsParseErrors;

    public override int Invoke(ParseResult parseResult)
    {
        new HelpPage(Consoles.Output()).Write(parseResult.CommandResult.Command);
        return (int)ExitCode.Success;
    }
}
