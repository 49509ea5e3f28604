namespace IotaOrleans.ClusterTests.CommandLine;

/// <summary>Tests that start the program run one after the other: it takes all cores.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProgramGroup
{
    public const string Name = "program";
}
