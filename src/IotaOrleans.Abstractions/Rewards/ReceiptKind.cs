namespace IotaOrleans;

/// <summary>What a receipt is for.</summary>
[GenerateSerializer, Alias("IotaOrleans.ReceiptKind")]
public enum ReceiptKind
{
    /// <summary>A micro-batch was run forward through a stage.</summary>
    Forward,

    /// <summary>A micro-batch was run backward through a stage: the work that is paid.</summary>
    Backward,

    /// <summary>A replica took an optimizer step.</summary>
    Step,

    /// <summary>A cell of a merge was reduced.</summary>
    MergedCell,

    /// <summary>A micro-batch was run backward through a stage by a miner that was gone before it signed for it: known, and not paid.</summary>
    Forfeited,
}
