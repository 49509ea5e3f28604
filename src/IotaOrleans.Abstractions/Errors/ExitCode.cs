namespace IotaOrleans;

/// <summary>How the <c>iota</c> program ends; scripts tell the kinds of failure apart by it.</summary>
public enum ExitCode
{
    /// <summary>Everything was done.</summary>
    Success = 0,

    /// <summary>A check ran and failed, or the run itself failed.</summary>
    Failed = 1,

    /// <summary>An option or argument is wrong.</summary>
    Usage = 2,

    /// <summary>The data or the tokenizer cannot be used.</summary>
    Data = 3,

    /// <summary>A model or checkpoint is missing, damaged or of another shape.</summary>
    Model = 4,

    /// <summary>The machine lacks something: native library, port, disk space, permission.</summary>
    Environment = 5,

    /// <summary>The run is in a state that forbids the request, for example already running.</summary>
    RunState = 6,

    /// <summary>Interrupted by the user a second time, without waiting for a checkpoint.</summary>
    Interrupted = 130,
}
