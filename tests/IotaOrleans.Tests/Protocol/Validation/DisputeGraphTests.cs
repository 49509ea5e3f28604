using System.Collections.Immutable;
using CsCheck;
using IotaOrleans.Protocol.Validation;

namespace IotaOrleans.Tests.Protocol.Validation;

public sealed class DisputeGraphTests
{
    // Ten miners, of whom three can be wrong.
    private static readonly ImmutableArray<ImmutableArray<string>> TwoStages = [["a0", "a1", "a2", "a3", "a4"], ["b0", "b1", "b2", "b3", "b4"]];
    private readonly DisputeGraph _disputes = new();

    [Fact]
    public void Whom_all_that_can_be_wrong_contradict_may_still_be_right()
    {
        Add("a0", "b0", "b1", "b2");

        Wrong(TwoStages).Should().BeEmpty("the three may be the wrong ones, though nobody else contradicts them yet");
    }

    [Fact]
    public void Whom_one_more_contradicts_is_wrong()
    {
        Add("a0", "b0", "b1", "b2", "b3");

        Wrong(TwoStages).Should().Equal("a0");
    }

    [Fact]
    public void What_others_contradict_each_other_in_leaves_fewer_that_can_be_wrong()
    {
        Add("a0", "b0", "b1");
        Add("a1", "b2");
        Wrong(TwoStages).Should().BeEmpty();

        Add("a2", "b3");

        Wrong(TwoStages).Should().Equal(["a0"], "if it were right, b0 and b1 were wrong, and two more");
    }

    [Fact]
    public void Contradictions_that_one_miner_explains_count_as_one()
    {
        Add("a0", "b0", "b1");
        Add("a1", "b2");
        Add("a2", "b2");

        Wrong(TwoStages).Should().BeEmpty("b0, b1 and b2 may be wrong");
    }

    [Fact]
    public void One_contradiction_says_nothing()
    {
        Add("a0", "b0");

        Wrong([["a0"], ["b0"]]).Should().BeEmpty();
    }

    [Fact]
    public void Whom_a_whole_stage_contradicts_is_wrong_however_many_could_be()
    {
        Add("a0", "b0", "b1");
        ImmutableArray<ImmutableArray<string>> deep = [["a0", "a1"], ["b0", "b1"], ["c0", "c1"], ["d0", "d1"], ["e0", "e1"]];

        Wrong(deep).Should().Equal(["a0"], "three of ten can be wrong, but not a whole stage");
        Wrong(deep.SetItem(1, ["b0", "b1", "b2"])).Should().BeEmpty();
    }

    [Fact]
    public void Who_is_known_to_be_wrong_speaks_against_nobody()
    {
        Add("a0", "b0", "b1", "b2", "b3");
        _disputes.NoteWrong("b0");
        Wrong(TwoStages).Should().BeEmpty();

        _disputes.Add("a0", 0, "b0").Should().BeFalse("it says nothing");

        Wrong(TwoStages).Should().BeEmpty();
        _disputes.Add("a0", 0, "b4").Should().BeTrue();
    }

    [Fact]
    public void Who_begins_anew_begins_without_contradictions()
    {
        Add("a0", "b0", "b1", "b2", "b3");
        _disputes.Remove("a0");
        Wrong(TwoStages).Should().BeEmpty();

        Add("a0", "b4");

        Wrong(TwoStages).Should().BeEmpty();
    }

    [Fact]
    public void Whoever_is_right_is_never_said_to_be_wrong() =>
        Gen.Select(Gen.Int[0, 9].Array[3], Gen.Select(Gen.Int[0, 4], Gen.Int[0, 4]).Array[0, 40]).ForAll((wrong, met) =>
        {
            var graph = new DisputeGraph();
            foreach (var (one, other) in met.Where(pair => wrong.Contains(pair.Item1) || wrong.Contains(5 + pair.Item2)))
            {
                graph.Add(TwoStages[0][one], 0, TwoStages[1][other]);
                WrongIn(graph, TwoStages).Should().BeSubsetOf(wrong.Select(index => TwoStages[index / 5][index % 5]));
            }
        });

    [Fact]
    public void Whoever_contradicts_all_is_found_if_not_more_are_wrong_than_can_be() =>
        Gen.Int[0, 9].Array[3].ForAll(wrong =>
        {
            var graph = new DisputeGraph();
            var names = wrong.Select(index => TwoStages[index / 5][index % 5]).Distinct().ToArray();
            foreach (var one in TwoStages[0])
            {
                foreach (var other in TwoStages[1].Where(other => names.Contains(one) || names.Contains(other)))
                {
                    graph.Add(one, 0, other);
                }
            }

            WrongIn(graph, TwoStages).Should().BeEquivalentTo(names);
        });

    private void Add(string one, params string[] others)
    {
        foreach (var other in others)
        {
            _disputes.Add(one, 0, other);
        }
    }

    private string[] Wrong(ImmutableArray<ImmutableArray<string>> stages) => WrongIn(_disputes, stages);

    private static string[] WrongIn(DisputeGraph disputes, ImmutableArray<ImmutableArray<string>> stages)
    {
        var miners = stages.SelectMany(stage => stage).ToArray();
        return [.. miners.Where(miner => disputes.MustBeWrong(miner, stages, miners.Length))];
    }
}
