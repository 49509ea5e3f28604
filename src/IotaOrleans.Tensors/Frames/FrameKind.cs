namespace IotaOrleans.Tensors;

/// <summary>What a frame carries. The values are part of the wire format.</summary>
public enum FrameKind : byte
{
    /// <summary>Output of a stage's forward pass [batch, time, model], for the next stage.</summary>
    Activation = 1,

    /// <summary>Gradient of the loss by a stage's input [batch, time, model], for the previous stage.</summary>
    Gradient = 2,

    /// <summary>Gradient of the tied embedding [vocabulary, model], exchanged by first and last stage.</summary>
    TiedGradient = 3,

    /// <summary>A stage's sum of squared gradients (one double), for all other stages.</summary>
    GradientNorm = 4,

    /// <summary>Empty: the next stage took an activation that no gradient will answer, so that another one may be sent.</summary>
    Credit = 5,

    /// <summary>Activation of forward-only work [batch, time, model], in elastic mode.</summary>
    Evaluation = 6,

    /// <summary>A range of an encoded pseudo-gradient, for the owners of a cell.</summary>
    Update = 7,

    /// <summary>A merged cell, for everybody who did not reduce it.</summary>
    MergedCell = 8,

    /// <summary>A replica's part of a piece of its stage's gradient, for the replica that adds the piece up.</summary>
    GradientPart = 9,

    /// <summary>A piece of a stage's gradient, added up over its replicas, for the others of them.</summary>
    GradientSum = 10,

    /// <summary>
    /// An activation as <see cref="Activation"/> is, of weights whose optimizer step is not validated yet: it counts if the step turns out to be
    /// right, otherwise another one follows.
    /// </summary>
    ActivationAhead = 11,
}
