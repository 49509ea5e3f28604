namespace IotaOrleans;

/// <summary>What a stage knows of one of its miners.</summary>
[GenerateSerializer, Immutable, Alias("IotaOrleans.StageMember")]
public sealed record StageMember
{
    /// <summary>The miner.</summary>
    [Id(0)]
    public required string Miner { get; init; }

    /// <summary>Whether it has joined and is not lost.</summary>
    [Id(1)]
    public bool IsLive { get; init; }

    /// <summary>Verified backward passes in the current round.</summary>
    [Id(2)]
    public long Work { get; init; }

    /// <summary>The last round in which it did enough to take part in the merge; zero when it never did.</summary>
    [Id(3)]
    public long QualifiedRound { get; init; }

    /// <summary>The last round whose upload waits for it; zero when none ever did.</summary>
    [Id(4)]
    public long ExpectedRound { get; init; }

    /// <summary>The last round for which its upload was counted; zero when none was.</summary>
    [Id(5)]
    public long UploadedRound { get; init; }
}
