namespace IotaOrleans.ClusterTests.Storage;

[GenerateSerializer, Alias("IotaOrleans.ClusterTests.NotebookState")]
public sealed record NotebookState
{
    [Id(0)]
    public string Text { get; init; } = string.Empty;

    [Id(1)]
    public byte[] Bytes { get; init; } = [];

    [Id(2)]
    public int Sum { get; init; }
}
