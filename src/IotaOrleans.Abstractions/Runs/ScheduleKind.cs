namespace IotaOrleans;

/// <summary>The order in which a stage runs the forward and backward passes of a step.</summary>
public enum ScheduleKind
{
    /// <summary>All forwards, then all backwards (Huang et al., 2019): simple, keeps every micro-batch alive.</summary>
    GPipe,

    /// <summary>One forward, one backward (Narayanan et al., 2019): the same bubble, live activations bounded by the remaining depth.</summary>
    OneForwardOneBackward,
}
