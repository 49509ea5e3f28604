using IotaOrleans.Protocol.Rewards;

namespace IotaOrleans.Tests.Protocol;

public sealed class LedgerAuditTests
{
    [Fact]
    public void Every_micro_batch_of_every_stage_has_one_receipt_or_was_forfeited()
    {
        var findings = Audit(isOver: true, Pass(0, 0, "ada", 1), Pass(1, 0, "ada", 1), Pass(0, 1, "bob", 2), Pass(1, 1, "cid") with { Kind = ReceiptKind.Forfeited });

        (findings.BackwardPasses, findings.Lost, findings.Open, findings.Doubled, findings.Forfeited).Should().Be((3, 0, 0, 0, 1));
    }

    [Fact]
    public void What_was_forfeited_and_run_again_is_not_doubled()
    {
        var findings = Audit(isOver: true, Pass(0, 0, "ada", 1), Pass(0, 0, "cid") with { Kind = ReceiptKind.Forfeited });

        (findings.Lost, findings.Doubled, findings.Forfeited).Should().Be((0, 0, 0));
    }

    [Fact]
    public void What_is_not_signed_for_is_lost_when_the_run_is_over_and_open_before()
    {
        WorkReceipt[] receipts = [Pass(0, 0, "ada", 1), Pass(1, 0, "ada", 1), Pass(0, 1, "bob", 2)];

        var (over, underWay) = (Audit(isOver: true, receipts), Audit(isOver: false, receipts));

        (over.Lost, over.Open).Should().Be((1, 0));
        over.Violations.Should().Equal("stage 1 has no receipt of 1 of the 2 micro-batches");
        (underWay.Lost, underWay.Open).Should().Be((0, 1));
        underWay.Violations.Should().BeEmpty();
    }

    [Fact]
    public void A_second_receipt_and_an_epoch_that_was_passed_over_are_named()
    {
        var audit = new LedgerAudit([0, 2], isOver: true);
        audit.Add([Pass(0, 0, "ada"), Pass(0, 0, "bob")]);

        var findings = audit.Finish();

        findings.Doubled.Should().Be(1);
        findings.Violations.Should().Equal("epoch 1 was not settled, and a later one was", "epoch 0: stage 0 has a second receipt of micro-batch 0");
    }

    private static LedgerFindings Audit(bool isOver, params WorkReceipt[] receipts)
    {
        var audit = new LedgerAudit([0], isOver);
        audit.Add(receipts);
        return audit.Finish();
    }

    private static WorkReceipt Pass(long number, int stage, string miner, int segment = 0) =>
        new() { Run = "run", Epoch = 0, Kind = ReceiptKind.Backward, Number = number, Stage = stage, Miner = miner, Tokens = 64, Segment = (UInt128)segment };
}
