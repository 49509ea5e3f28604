using IotaOrleans.Protocol.Merging;

namespace IotaOrleans.Tests.Protocol.Merging;

public sealed class MergeSettingsValidatorTests
{
    [Fact]
    public void Wrong_settings_are_refused_by_name()
    {
        MergeSettingsValidator.Validate(new MergeSettings());
        (MergeSettings Wrong, string Name)[] cases =
        [
            (new MergeSettings { Owners = 0 }, "--owners"),
            (new MergeSettings { Rule = (MergeRule)9 }, "--merge-rule"),
            (new MergeSettings { ClipFactor = 0 }, "median norms"),
            (new MergeSettings { ClipFactor = double.PositiveInfinity }, "median norms"),
            (new MergeSettings { Trim = -1 }, "trimmed"),
            (new MergeSettings { RequiredLead = 0 }, "lead by 0"),
            (new MergeSettings { AlwaysAskShare = 1.1 }, "arbiters"),
            (new MergeSettings { MaximumGapShare = double.NaN }, "missing"),
        ];
        foreach (var (wrong, name) in cases)
        {
            FluentActions.Invoking(() => MergeSettingsValidator.Validate(wrong)).Should().Throw<IotaException>().WithMessage($"*{name}*").Which.ExitCode.Should().Be(ExitCode.Usage);
        }
    }
}
