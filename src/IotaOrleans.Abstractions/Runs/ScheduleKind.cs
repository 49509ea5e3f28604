namespace IotaOrleans;

/// <summary>The order in which a stage runs the forward and backward passes of a step.</summary>
public enum ScheduleKind
{
    /// <summary>All forwards, then all backwards (Huang et al., 2019): simple, keeps every micro-batch alive.</summary>
    GPipe,

    /// <summary>One forward, one backward (Narayanan et al., 2019): the same bubble, live activations bounded by the remaining depth.</summary>
    OneForwardOneBackward,

    /// <summary>
    /// 1F1B over several model chunks per rank (Narayanan et al., 2021): the bubble shrinks by the number of chunks, for more live
    /// activations and more communication.
    /// </summary>
    Interleaved,

    /// <summary>
    /// ZB-H1 (Qi et al., 2023): the backward pass is split, gradients of inputs first, and gradients of weights fill what 1F1B leaves
    /// idle. No more peak memory than 1F1B.
    /// </summary>
    ZeroBubble,

    /// <summary>
    /// ZB-H2 (Qi et al., 2023): as ZB-H1, with more forward passes ahead, for almost twice the peak memory of 1F1B. A stage takes its
    /// optimizer step and begins the next step before others have ended this one, and takes both back if gradients turn out to be clipped.
    /// </summary>
    ZeroBubbleAhead,

    /// <summary>
    /// As ZB-H2, within the memory of ZB-2p (Qi et al., 2023), twice that of 1F1B: one forward pass more ahead, and on the last stage one
    /// more weight gradient put off, since gradients of inputs take longer than forward passes, and those of weights less.
    /// </summary>
    ZeroBubbleDouble,
}
