namespace IotaOrleans.Protocol.Validation;

/// <summary>
/// Whom something speaks against that convicts nobody yet: all that a suspect hands in from then on is checked, until enough of it has come
/// out right. What it had handed in before says nothing about that. Not safe for several threads.
/// </summary>
public sealed class Suspicions
{
    /// <summary>Checks that a suspect has to pass.</summary>
    public const int ChecksThatClear = 5;

    /// <summary>Steps for which losses alone do not speak against a miner again that was cleared.</summary>
    public const int StepsOfTrust = 250;

    private readonly Dictionary<string, Suspicion> _miners = [];

    /// <summary>Whether a miner is suspected now.</summary>
    public bool IsSuspected(string miner) => _miners.TryGetValue(miner, out var suspicion) && suspicion.Checks > 0;

    /// <summary>Whether a segment is one of those that a suspect is judged by.</summary>
    public bool IsJudgedBy(string miner, long segment) => IsSuspected(miner) && segment >= _miners[miner].From;

    /// <summary>Whether losses can make a miner a suspect: neither is it one, nor was it cleared a short while ago.</summary>
    public bool CanBeSuspected(string miner, long step) => !_miners.TryGetValue(miner, out var suspicion) || (suspicion.Checks == 0 && suspicion.Again <= step);

    /// <summary>Something speaks against a miner.</summary>
    /// <param name="miner">The miner.</param>
    /// <param name="from">The first segment that it has not handed in yet.</param>
    public void Add(string miner, long from) => _miners[miner] = new Suspicion(ChecksThatClear, from, Again: 0);

    /// <summary>A segment of a miner came out right.</summary>
    public void NotePassed(string miner, long segment, long step)
    {
        if (IsJudgedBy(miner, segment))
        {
            var suspicion = _miners[miner];
            _miners[miner] = suspicion with { Checks = suspicion.Checks - 1, Again = step + StepsOfTrust };
        }
    }

    /// <summary>A miner begins anew, and counts its segments from the first again.</summary>
    public void BeginAnew(string miner)
    {
        if (_miners.TryGetValue(miner, out var suspicion))
        {
            _miners[miner] = suspicion with { From = 0 };
        }
    }

    private readonly record struct Suspicion(int Checks, long From, long Again);
}
