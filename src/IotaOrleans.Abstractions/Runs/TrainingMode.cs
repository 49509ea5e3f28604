namespace IotaOrleans;

/// <summary>When a step ends.</summary>
public enum TrainingMode
{
    /// <summary>A step ends when all its micro-batches have: the result equals one process training on the same batches, bit for bit from run to run.</summary>
    Exact,

    /// <summary>Stages step on their own: nobody waits for stragglers, at the price of weights that are a few micro-batches old.</summary>
    Elastic,
}
