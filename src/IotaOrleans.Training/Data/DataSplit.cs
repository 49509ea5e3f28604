namespace IotaOrleans.Training.Data;

/// <summary>The two parts of a data set. The values are part of every seed's meaning: do not renumber.</summary>
public enum DataSplit
{
    /// <summary>What the model learns from.</summary>
    Train = 0,

    /// <summary>What the model is judged on and never learns from.</summary>
    Validation = 1,
}
