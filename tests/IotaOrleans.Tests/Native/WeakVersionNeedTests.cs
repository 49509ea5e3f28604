using System.Buffers.Binary;
using System.Diagnostics;
using CsCheck;
using IotaOrleans.Build;

namespace IotaOrleans.Tests.Native;

public sealed class WeakVersionNeedTests : IDisposable
{
    private const string Older = "GLIBCXX_3.4.30";
    private const int NeedsHeader = 4 * 64;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_version_becomes_weak_and_the_others_stay()
    {
        byte[] image = Library().Build();
        byte[] before = [.. image];

        WeakVersionNeed.Apply(image).Should().BeTrue();

        ElfImage.Flags(image).Should().Equal(new Dictionary<string, ushort> { ["GLIBC_2.14"] = 0, [Older] = 0, [WeakVersionNeed.Version] = 2, ["GCC_3.0"] = 0 });
        image.Zip(before).Count(pair => pair.First != pair.Second).Should().Be(1);
    }

    [Fact]
    public void The_second_run_changes_nothing()
    {
        byte[] image = Library().Build();
        WeakVersionNeed.Apply(image);
        byte[] once = [.. image];

        WeakVersionNeed.Apply(image).Should().BeFalse();
        image.Should().Equal(once);
    }

    [Fact]
    public void A_library_without_the_version_is_left_alone()
    {
        byte[] image = new ElfImage().Symbol("_Znwm", 2).Need("libstdc++.so.6", (Older, 2, 0)).Build();
        byte[] before = [.. image];

        WeakVersionNeed.Apply(image).Should().BeFalse();
        image.Should().Equal(before);
    }

    [Fact]
    public void A_library_that_uses_the_version_is_refused_unchanged()
    {
        byte[] image = Library().Symbol("_ZSt4formatv", 4).Build();
        byte[] before = [.. image];

        FluentActions.Invoking(() => WeakVersionNeed.Apply(image)).Should().Throw<InvalidDataException>()
            .WithMessage("it really uses _ZSt4formatv of GLIBCXX_3.4.32, so a newer libstdc++ (GCC 13) is required");
        image.Should().Equal(before);
    }

    [Fact]
    public void A_hidden_symbol_of_the_version_counts_as_use()
    {
        byte[] image = Library().Symbol("_ZSt4formatv", 4 | 0x8000).Build();

        FluentActions.Invoking(() => WeakVersionNeed.Apply(image)).Should().Throw<InvalidDataException>().WithMessage("it really uses*");
    }

    [Fact]
    public void What_is_no_elf_library_is_refused()
    {
        byte[] elf = Library().Build();
        byte[][] others = [[], [.. "MZ"u8], new byte[100], elf[..63], With(elf, 4, 1), With(elf, 5, 2), With(elf, 0, 0)];

        others.Should().AllSatisfy(image => FluentActions.Invoking(() => WeakVersionNeed.Apply(image)).Should().Throw<InvalidDataException>()
            .WithMessage("not a 64-bit little-endian ELF file"));
    }

    [Fact]
    public void A_library_cut_anywhere_is_refused()
    {
        byte[] whole = Library().Build();
        for (int length = 64; length < whole.Length - 24; length++)
        {
            FluentActions.Invoking(() => WeakVersionNeed.Apply(whole[..length])).Should().Throw<InvalidDataException>();
        }
    }

    [Theory]
    [InlineData(24, -1L)]
    [InlineData(24, 1L << 32)]
    [InlineData(24, int.MaxValue - 4L)]
    [InlineData(40, 99L)]
    [InlineData(40, 0xffffffffL)]
    public void A_damaged_section_header_is_refused(int field, long value)
    {
        byte[] image = Library().Build();
        int sections = (int)BinaryPrimitives.ReadInt64LittleEndian(image.AsSpan(0x28));
        if (field == 24)
        {
            BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(sections + NeedsHeader + field), value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(sections + NeedsHeader + field), (uint)value);
        }

        FluentActions.Invoking(() => WeakVersionNeed.Apply(image)).Should().Throw<InvalidDataException>();
    }

    [Fact]
    public void A_library_without_a_section_table_is_refused()
    {
        byte[] image = With(Library().Build(), 0x3c, 0);

        FluentActions.Invoking(() => WeakVersionNeed.Apply(image)).Should().Throw<InvalidDataException>().WithMessage("the ELF file has no section table");
    }

    [Fact]
    public void Random_damage_ends_in_an_answer_or_a_refusal()
    {
        byte[] whole = Library().Build();
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Array[1, 6].ForAll(damage =>
        {
            byte[] image = [.. whole];
            foreach ((int position, byte value) in damage)
            {
                image[position] = value;
            }

            byte[] before = [.. image];
            bool changed = false;
            try
            {
                changed = WeakVersionNeed.Apply(image);
            }
            catch (InvalidDataException)
            {
            }

            image.SequenceEqual(before).Should().Be(!changed);
        });
    }

    [Fact]
    public void A_hard_link_is_broken_and_not_followed()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        byte[] original = Library().Build();
        string cached = _folder.File("cached.so");
        string output = _folder.File("output.so");
        File.WriteAllBytes(cached, original);
        using (var link = Process.Start("ln", [cached, output]))
        {
            link.WaitForExit();
            link.ExitCode.Should().Be(0);
        }

        WeakVersionNeed.ApplyToFile(output).Should().BeTrue();
        WeakVersionNeed.ApplyToFile(output).Should().BeFalse();

        File.ReadAllBytes(cached).Should().Equal(original);
        ElfImage.IsWeak(File.ReadAllBytes(output), WeakVersionNeed.Version).Should().BeTrue();
        Directory.EnumerateFiles(_folder.Path).Should().BeEquivalentTo(cached, output);
    }

    private static ElfImage Library() => new ElfImage()
        .Symbol("memcpy", 2)
        .Symbol("_Znwm", 3)
        .Symbol(WeakVersionNeed.Marker, 4)
        .Need("libc.so.6", ("GLIBC_2.14", 2, 0))
        .Need("libstdc++.so.6", (Older, 3, 0), (WeakVersionNeed.Version, 4, 0))
        .Need("libgcc_s.so.1", ("GCC_3.0", 5, 0));

    private static byte[] With(byte[] image, int position, byte value)
    {
        byte[] changed = [.. image];
        changed[position] = value;
        return changed;
    }
}
