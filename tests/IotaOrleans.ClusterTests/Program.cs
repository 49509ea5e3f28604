// The tests' own helper processes; tests themselves are run by 'dotnet test'.
using IotaOrleans.ClusterTests.Ledger;

if (args is [SettlementProcess.Name, .. var rest])
{
    await SettlementProcess.RunAsync(rest);
    return 0;
}

Console.Error.WriteLine("run the tests with: bash tests/run.sh");
return 2;
