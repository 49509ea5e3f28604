using System.Collections.Immutable;
using System.Globalization;
using IotaOrleans.Protocol.Validation;

namespace IotaOrleans.Protocol.Rewards;

/// <summary>
/// Holds a run's receipts against what must be true of them: every micro-batch of the settled epochs was run backward by every stage, once,
/// and whoever is said to have signed for it has.
/// </summary>
/// <param name="epochs">The epochs that were settled, in order.</param>
/// <param name="isOver">Whether the run is finished. Before, miners have work that they are still to sign for.</param>
public sealed class LedgerAudit(IReadOnlyList<int> epochs, bool isOver)
{
    private readonly Dictionary<int, HashSet<long>> _numbersOf = [];
    private readonly Dictionary<UInt128, string> _signers = [];
    private readonly List<string> _violations = [.. Gaps(epochs)];
    private readonly HashSet<(int Stage, long Number)> _forfeited = [];
    private long _passes;
    private long _doubled;
    private long _unsigned;

    /// <summary>Segments that receipts are signed in; each needs a seal.</summary>
    public IReadOnlyCollection<UInt128> Segments => _signers.Keys;

    /// <summary>Takes in receipts of a settled epoch.</summary>
    public void Add(IEnumerable<WorkReceipt> receipts)
    {
        foreach (var receipt in receipts)
        {
            if (receipt.Kind == ReceiptKind.MergedCell)
            {
                // The replicas' agreement vouches for it.
                continue;
            }

            if (receipt.Kind == ReceiptKind.Forfeited)
            {
                _forfeited.Add((receipt.Stage, receipt.Number));
                continue;
            }

            if (receipt.Segment == UInt128.Zero)
            {
                _unsigned++;
            }
            else if (!_signers.TryAdd(receipt.Segment, receipt.Miner) && _signers[receipt.Segment] != receipt.Miner)
            {
                Violate($"epoch {receipt.Epoch}: {receipt.Miner} has a receipt of a segment that {_signers[receipt.Segment]} signed");
            }

            if (receipt.Kind != ReceiptKind.Backward)
            {
                continue;
            }

            _passes++;
            if (!_numbersOf.TryGetValue(receipt.Stage, out var numbers))
            {
                _numbersOf[receipt.Stage] = numbers = [];
            }

            if (!numbers.Add(receipt.Number))
            {
                _doubled++;
                Violate($"epoch {receipt.Epoch}: stage {receipt.Stage} has a second receipt of micro-batch {receipt.Number:N0}");
            }
        }
    }

    /// <summary>Takes in what a segment was signed with.</summary>
    public void Add(UInt128 segment, SegmentSeal? seal)
    {
        if (seal is null)
        {
            Violate($"{_signers[segment]} has receipts of segment {segment:x32}, which nobody signed");
        }
        else if (SegmentHash.Short(seal.Hash.AsSpan()) != segment || !SegmentHash.IsSigned(seal))
        {
            Violate($"{_signers[segment]} has receipts of segment {segment:x32}, and its signature is wrong");
        }
    }

    /// <summary>What came of it.</summary>
    public LedgerFindings Finish()
    {
        // What was run again after its miner was lost has a receipt of its own.
        _forfeited.RemoveWhere(pass => _numbersOf.TryGetValue(pass.Stage, out var numbers) && numbers.Contains(pass.Number));
        var end = _numbersOf.Values.SelectMany(numbers => numbers).Concat(_forfeited.Select(pass => pass.Number)).DefaultIfEmpty(-1).Max() + 1;
        // Where the plan counts, nobody has to sign.
        var complete = isOver || _signers.Count == 0;
        var (lost, open) = (0L, 0L);
        foreach (var (stage, numbers) in _numbersOf.OrderBy(stage => stage.Key))
        {
            var missing = end - numbers.Count - _forfeited.Count(pass => pass.Stage == stage);
            if (!complete)
            {
                open += missing;
            }
            else if (missing > 0)
            {
                lost += missing;
                Violate($"stage {stage} has no receipt of {missing:N0} of the {end:N0} micro-batches");
            }
        }

        return new LedgerFindings(epochs.Count, _passes, lost, open, _doubled, _forfeited.Count, _unsigned, _signers.Count, [.. _violations]);
    }

    private static IEnumerable<string> Gaps(IReadOnlyList<int> epochs) =>
        Enumerable.Range(0, epochs.Count == 0 ? 0 : epochs[^1]).Except(epochs).Select(epoch => string.Create(CultureInfo.InvariantCulture, $"epoch {epoch} was not settled, and a later one was"));

    private void Violate(FormattableString violation) => _violations.Add(violation.ToString(CultureInfo.InvariantCulture));
}

/// <summary>What an audit of a ledger found.</summary>
/// <param name="Epochs">Settled epochs.</param>
/// <param name="BackwardPasses">Receipts of backward passes in them.</param>
/// <param name="Lost">Backward passes that nothing is written down about.</param>
/// <param name="Open">Backward passes of a run under way that miners are still to sign for.</param>
/// <param name="Doubled">Backward passes with more than one receipt.</param>
/// <param name="Forfeited">Backward passes of miners that were gone before they had signed for them: written down, and not paid.</param>
/// <param name="Unsigned">Receipts of passes and steps that the run's plan alone vouches for.</param>
/// <param name="Segments">Segments whose signatures were checked.</param>
/// <param name="Violations">What must not be, a sentence each.</param>
public sealed record LedgerFindings(int Epochs, long BackwardPasses, long Lost, long Open, long Doubled, long Forfeited, long Unsigned, int Segments, ImmutableArray<string> Violations);
