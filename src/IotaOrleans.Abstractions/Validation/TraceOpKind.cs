namespace IotaOrleans;

/// <summary>What a shard did, in the order in which it did it.</summary>
[GenerateSerializer, Alias("IotaOrleans.TraceOpKind")]
public enum TraceOpKind
{
    /// <summary>Ran a micro-batch forward.</summary>
    Forward,

    /// <summary>Ran the first half of a micro-batch's backward pass: the gradient by the stage's input.</summary>
    BackwardInput,

    /// <summary>Ran the second half: the gradients by the weights.</summary>
    BackwardWeights,

    /// <summary>Took an optimizer step.</summary>
    Update,

    /// <summary>Set aside what it had learnt, for a merge.</summary>
    Cut,

    /// <summary>Took over a merged version.</summary>
    Merge,

    /// <summary>Fetched the agreed version from other replicas: when it joined, and when a merge had passed it by.</summary>
    Fetch,
}
