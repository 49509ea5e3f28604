namespace IotaOrleans.Protocol.Runs;

/// <summary>Tokens per second over the last steps, and over all of them without the time of evaluations.</summary>
/// <param name="window">Steps that the recent figure covers.</param>
public sealed class ThroughputMeter(int window = 20)
{
    private readonly Queue<(long Tokens, TimeSpan Time)> _recent = new();
    private long _tokens;
    private TimeSpan _time;
    private long _recentTokens;
    private TimeSpan _recentTime;

    /// <summary>Tokens per second over the last steps.</summary>
    public double Recent => Rate(_recentTokens, _recentTime);

    /// <summary>Tokens per second over all steps.</summary>
    public double Mean => Rate(_tokens, _time);

    /// <summary>Adds a step.</summary>
    public void Add(long tokens, TimeSpan time)
    {
        _tokens += tokens;
        _time += time;
        _recentTokens += tokens;
        _recentTime += time;
        _recent.Enqueue((tokens, time));
        if (_recent.Count > window)
        {
            var oldest = _recent.Dequeue();
            _recentTokens -= oldest.Tokens;
            _recentTime -= oldest.Time;
        }
    }

    private static double Rate(long tokens, TimeSpan time) => time > TimeSpan.Zero ? tokens / time.TotalSeconds : 0;
}
