namespace IotaOrleans.Training.Checkpoints;

/// <summary>Which part of the model a tensor belongs to.</summary>
public enum LlamaTensorKind
{
    /// <summary>The token embedding.</summary>
    Embedding,

    /// <summary>A decoder block.</summary>
    Block,

    /// <summary>The norm after the last block.</summary>
    Norm,

    /// <summary>The LM head.</summary>
    Head,
}
