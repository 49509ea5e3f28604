using IotaOrleans.Protocol.Validation;

namespace IotaOrleans.Tests.Protocol.Validation;

public sealed class NormWatchTests
{
    [Fact]
    public void Nothing_is_strange_until_enough_is_known()
    {
        var watch = new NormWatch(8);
        for (var i = 0; i < NormWatch.Least; i++)
        {
            watch.Usual.Should().BeNull();
            var norm = i % 2 == 0 ? 1 : 1000;
            watch.IsStrange(norm).Should().BeFalse();
            watch.Remember(norm);
        }

        watch.Usual.Should().NotBeNull();
    }

    [Theory]
    [InlineData(2 * 7.9, false)]
    [InlineData(2 * 8.1, true)]
    [InlineData(2 / 7.9, false)]
    [InlineData(2 / 8.1, true)]
    [InlineData(0, true)]
    [InlineData(double.NaN, true)]
    [InlineData(double.PositiveInfinity, true)]
    public void What_is_out_of_proportion_to_the_median_is_strange(double norm, bool isStrange) => Filled(2).IsStrange(norm).Should().Be(isStrange);

    [Fact]
    public void What_is_no_number_is_strange_even_as_the_first_and_is_not_remembered()
    {
        var watch = new NormWatch(8);
        for (var i = 0; i < NormWatch.Window; i++)
        {
            watch.IsStrange(double.NaN).Should().BeTrue();
            watch.Remember(double.NaN);
        }

        watch.Usual.Should().BeNull();
    }

    [Fact]
    public void A_few_strange_ones_do_not_become_usual()
    {
        var watch = Filled(2);
        for (var i = 0; i < 10 * NormWatch.Window; i++)
        {
            var norm = i % 3 == 0 ? 0 : 2;
            watch.IsStrange(norm).Should().Be(norm == 0);
            watch.Remember(norm);
        }
    }

    [Fact]
    public void What_is_refused_does_not_become_usual_however_much_of_it_comes()
    {
        var watch = Filled(2);

        Enumerable.Repeat(0.0, 10 * NormWatch.Window).Should().OnlyContain(norm => watch.IsStrange(norm));

        watch.IsStrange(2).Should().BeFalse();
    }

    [Fact]
    public void What_is_usual_follows_the_training()
    {
        var watch = Filled(1);
        for (var norm = 1.0; norm < 1e6; norm *= 1.05)
        {
            watch.IsStrange(norm).Should().BeFalse();
            watch.Remember(norm);
        }

        watch.Usual.Should().BeGreaterThan(1e5);
    }

    private static NormWatch Filled(double norm)
    {
        var watch = new NormWatch(8);
        for (var i = 0; i < NormWatch.Window; i++)
        {
            watch.Remember(norm);
        }

        return watch;
    }
}
