using System.Buffers;
using System.Collections.Immutable;
using CsCheck;
using IotaOrleans.Tensors;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace IotaOrleans.Tests.Tensors;

public sealed class TensorFrameTests
{
    private static readonly Gen<FrameHeader> AnyHeader = Gen.Select(
        Gen.Enum<FrameKind>(),
        Gen.Guid,
        Gen.Long,
        Gen.Select(Gen.String[Gen.Char.AlphaNumeric, 0, 40], Gen.Int, Gen.Long, Gen.Int),
        Gen.Enum<TensorElementType>(),
        Gen.Int[0, 6].Array[0, 5],
        Gen.String[Gen.Char.AlphaNumeric, 0, 20].Array[0, 5]).Select((kind, session, sequence, id, type, shape, pathway) => new FrameHeader
        {
            Kind = kind,
            Session = session,
            Sequence = sequence,
            MicroBatch = new MicroBatchId(id.Item1, id.Item2, id.Item3, id.Item4),
            SourceStage = id.Item4,
            ElementType = type,
            Shape = [.. shape],
            Pathway = [.. pathway],
        });

    [Fact]
    public void A_header_survives_the_wire() => AnyHeader.ForAll(header =>
    {
        var bytes = Format(header, 42);

        var (read, payload, checksum, count) = FrameHeaderFormat.Read(bytes, int.MaxValue);

        Describe(read).Should().Be(Describe(header));
        (payload, checksum, count).Should().Be(((int)header.PayloadByteCount(), 42UL, bytes.Length));
    });

    [Fact]
    public void A_truncated_header_is_refused_at_every_length() => AnyHeader.ForAll(header =>
    {
        var bytes = Format(header, 1);
        for (var length = 0; length < bytes.Length; length++)
        {
            FluentActions.Invoking(() => FrameHeaderFormat.Read(bytes.AsSpan(0, length), int.MaxValue))
                .Should().Throw<FrameFormatException>().Which.Fault.Should().Be(FrameFault.Truncated);
        }
    }, cases: 50);

    [Fact]
    public void Any_damage_is_refused_with_a_typed_error_or_changes_only_the_fields_it_hits() =>
        Gen.Select(AnyHeader, Gen.Int[0, 400], Gen.Byte).ForAll((header, place, value) =>
        {
            var bytes = Format(header, 1);
            bytes[place % bytes.Length] ^= value;
            try
            {
                FrameHeaderFormat.Read(bytes, 1 << 20);
            }
            catch (FrameFormatException)
            {
                // The only exception that damage may cause.
            }
        });

    [Theory]
    [InlineData(new[] { int.MaxValue, int.MaxValue, int.MaxValue })]
    [InlineData(new[] { -1, 4 })]
    [InlineData(new[] { 1 << 20, 1 << 20, 1 << 20, 1 << 20 })]
    public void A_shape_whose_product_overflows_is_refused(int[] shape)
    {
        var header = Header() with { Shape = [.. shape] };

        header.PayloadByteCount().Should().BeLessThan(0).And.Be(-1);
        FluentActions.Invoking(() => TensorFrame.Rent(FramePool.Shared, header)).Should().Throw<FrameFormatException>().Which.Fault.Should().Be(FrameFault.BadShape);
    }

    [Fact]
    public void A_frame_over_the_limit_is_refused_before_anything_is_rented()
    {
        var pool = new FramePool(maximumByteCount: 64);

        FluentActions.Invoking(() => TensorFrame.Rent(pool, Header() with { Shape = [17] })).Should().Throw<FrameFormatException>().Which.Fault.Should().Be(FrameFault.TooLarge);

        pool.Leased.Should().Be(0);
    }

    [Fact]
    public void A_lease_is_given_back_exactly_once()
    {
        var pool = new FramePool();
        var lease = pool.Rent(100);
        pool.Leased.Should().Be(1);
        pool.LeasedBytes.Should().Be(100);

        lease.Dispose();

        pool.Leased.Should().Be(0);
        lease.Invoking(it => it.Dispose()).Should().Throw<InvalidOperationException>();
        lease.Invoking(it => it.Memory).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void The_codec_carries_a_frame_into_memory_of_its_own()
    {
        var serializer = Serializer();
        using var frame = TensorFrame.Rent(FramePool.Shared, Header());
        new Random(1).NextBytes(frame.Payload.Span);

        using var copy = serializer.Deserialize(serializer.SerializeToArray(frame));

        copy!.Payload.ToArray().Should().Equal(frame.Payload.ToArray());
        Describe(copy.Header).Should().Be(Describe(frame.Header));
        copy.Payload.Span[0]++;
        copy.Payload.Span[0].Should().NotBe(frame.Payload.Span[0]);
    }

    [Fact]
    public void A_damaged_payload_is_refused_and_leaks_nothing()
    {
        var serializer = Serializer();
        byte[] bytes;
        using (var frame = TensorFrame.Rent(FramePool.Shared, Header()))
        {
            bytes = serializer.SerializeToArray(frame);
        }

        bytes[^3] ^= 1;
        var leased = FramePool.Shared.Leased;

        FluentActions.Invoking(() => serializer.Deserialize(bytes)).Should().Throw<FrameFormatException>().Which.Fault.Should().Be(FrameFault.BadChecksum);

        FramePool.Shared.Leased.Should().Be(leased);
    }

    private static Serializer<TensorFrame> Serializer()
    {
        var services = new ServiceCollection();
        services.AddSerializer(builder => builder.AddAssembly(typeof(TensorFrame).Assembly));
        return services.BuildServiceProvider().GetRequiredService<Serializer<TensorFrame>>();
    }

    private static FrameHeader Header() => new()
    {
        Kind = FrameKind.Activation,
        Session = Guid.NewGuid(),
        Sequence = 3,
        MicroBatch = new MicroBatchId("run", 1, 2, 3),
        SourceStage = 0,
        ElementType = TensorElementType.Float32,
        Shape = [2, 3, 4],
        Pathway = ["miner-1"],
    };

    private static byte[] Format(FrameHeader header, ulong checksum)
    {
        var writer = new ArrayBufferWriter<byte>();
        FrameHeaderFormat.Write(writer, header, (int)header.PayloadByteCount(), checksum);
        return writer.WrittenSpan.ToArray();
    }

    private static string Describe(FrameHeader header) =>
        $"{header with { Shape = ImmutableArray<int>.Empty, Pathway = ImmutableArray<string>.Empty }} {string.Join(',', header.Shape)} {string.Join(',', header.Pathway)}";
}
