using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using CsCheck;
using IotaOrleans.Tensors;

namespace IotaOrleans.Tests.Tensors;

public sealed class FrameSocketTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // Not the shared pool, whose counts other tests watch.
    private static readonly FramePool SendersPool = new();

    public static TheoryData<FrameKind, TensorElementType> KindsAndTypes
    {
        get
        {
            var data = new TheoryData<FrameKind, TensorElementType>();
            foreach (var kind in Enum.GetValues<FrameKind>())
            {
                foreach (var type in Enum.GetValues<TensorElementType>())
                {
                    data.Add(kind, type);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(KindsAndTypes))]
    public async Task A_frame_arrives_as_it_was_sent(FrameKind kind, TensorElementType type)
    {
        await using var link = new FrameLink();
        using var connection = await link.OpenAsync();
        using var frame = Frame(7, [3, 5, 7], kind, type);

        var reply = await connection.SendAsync(FrameLink.Shard, frame).WaitAsync(Patience);

        reply.Should().Be(new FrameReply(FrameReplyKind.Accepted, 999));
        var arrived = link.Inbox.Frames.Should().ContainSingle().Subject;
        arrived.Payload.ToArray().Should().Equal(frame.Payload.ToArray());
        (arrived.Header.Kind, arrived.Header.ElementType, arrived.Header.Sequence, arrived.Header.MicroBatch).Should().Be((kind, type, 7L, frame.Header.MicroBatch));
        arrived.Header.Shape.Should().Equal(frame.Header.Shape);
        arrived.Header.Pathway.Should().Equal(frame.Header.Pathway);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_536)]
    [InlineData(700_001)]
    [InlineData(1 << 20)]
    public async Task Frames_of_any_length_arrive_whole_and_in_order_with_the_credit_of_that_moment(int floats)
    {
        const int Count = 4;
        await using var link = new FrameLink();
        using var connection = await link.OpenAsync();
        var frames = Enumerable.Range(0, Count).Select(i => Frame(i, [floats])).ToArray();

        var replies = await Task.WhenAll(frames.Select(frame => connection.SendAsync(FrameLink.Shard, frame))).WaitAsync(Patience);

        replies.Select(reply => reply.Credit).Should().Equal(999, 998, 997, 996);
        link.Inbox.Frames.Select(frame => frame.Header.Sequence).Should().Equal(0, 1, 2, 3);
        link.Inbox.Frames.Zip(frames).Should().OnlyContain(pair => pair.First.ComputeChecksum() == pair.Second.ComputeChecksum());
        Dispose(frames);
    }

    [Fact]
    public async Task Many_senders_share_a_connection()
    {
        const int Senders = 16, Each = 20;
        await using var link = new FrameLink();
        using var connection = await link.OpenAsync();

        await Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; i < Each; i++)
            {
                using var frame = Frame((sender * Each) + i, [1 + (i * 997)]);
                (await connection.SendAsync(FrameLink.Shard, frame)).Kind.Should().Be(FrameReplyKind.Accepted);
            }
        }))).WaitAsync(Patience);

        var order = link.Inbox.Frames.Select(frame => frame.Header.Sequence).ToArray();
        order.Order().Should().Equal(Enumerable.Range(0, Senders * Each).Select(i => (long)i));
        order.GroupBy(sequence => sequence / Each).Should().OnlyContain(sender => sender.SequenceEqual(sender.Order()), "each sender's frames stay in order");
    }

    [Fact]
    public async Task A_shard_that_is_not_there_is_said_so_and_rents_nothing()
    {
        await using var link = new FrameLink();
        using var connection = await link.OpenAsync();
        using var frame = Frame(1, [1000]);

        (await connection.SendAsync(FrameLink.Shard with { Stage = 9 }, frame).WaitAsync(Patience)).Kind.Should().Be(FrameReplyKind.NoSuchShard);
        (await connection.SendAsync(FrameLink.Shard, frame).WaitAsync(Patience)).Kind.Should().Be(FrameReplyKind.Accepted);
    }

    [Fact]
    public async Task A_wrong_secret_opens_nothing()
    {
        await using var link = new FrameLink();
        var stranger = link.Listener.Endpoint with { Secret = new string('0', 2 * FrameMessageFormat.SecretByteCount) };

        await FluentActions.Awaiting(() => link.OpenAsync(stranger)).Should().ThrowAsync<FrameConnectionException>();

        await AssertWorksAsync(link);
        link.Listener.Endpoint.ToString().Should().NotContain(link.Listener.Endpoint.Secret);
    }

    [Fact]
    public async Task Who_says_no_hello_is_cut_off_in_time()
    {
        await using var link = new FrameLink();
        using var silent = link.OpenRaw(sayHello: false);
        silent.Send(new byte[5]);
        await AssertWorksAsync(link);

        link.Time.Advance(link.Options.HelloTimeout + TimeSpan.FromSeconds(2));

        FrameLink.ReadReply(silent).Should().BeNull();
        await AssertWorksAsync(link);
    }

    [Fact]
    public async Task Who_stops_within_a_frame_is_cut_off_in_time_and_its_memory_given_back()
    {
        await using var link = new FrameLink();
        using var slow = link.OpenRaw();
        slow.Send(Message(Frame(1, [1000])).AsSpan(0, 2000));
        SpinWait.SpinUntil(() => link.Pool.Leased == 1, Patience).Should().BeTrue();

        link.Time.Advance(link.Options.StallTimeout + TimeSpan.FromSeconds(2));

        FrameLink.ReadReply(slow).Should().BeNull();
        SpinWait.SpinUntil(() => link.Pool.Leased == 0, Patience).Should().BeTrue();
        await AssertWorksAsync(link);
    }

    [Fact]
    public async Task A_connection_that_is_cut_within_a_frame_leaks_nothing()
    {
        await using var link = new FrameLink();
        var message = Message(Frame(1, [1000]));
        for (var length = 1; length < message.Length; length += 171)
        {
            using var socket = link.OpenRaw();
            socket.Send(message.AsSpan(0, length));
        }

        await AssertWorksAsync(link);
        link.Inbox.Frames.Should().ContainSingle();
    }

    [Fact]
    public async Task When_the_receiver_goes_the_frames_under_way_fail_and_say_so()
    {
        var link = new FrameLink();
        // The listener's end is a socket of the test, which takes part of a frame and leaves.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var opening = link.OpenAsync(FrameEndpoint.Create(IPAddress.Loopback, ((IPEndPoint)listener.LocalEndPoint!).Port));
        var receiver = await listener.AcceptAsync().WaitAsync(Patience);
        receiver.TryReceiveAll(new byte[FrameMessageFormat.HelloByteCount]).Should().BeTrue();
        receiver.Send(new byte[FrameMessageFormat.ReplyByteCount]);
        using var connection = await opening;
        var frames = Enumerable.Range(0, 3).Select(i => Frame(i, [8 << 20])).ToArray();

        var sent = frames.Select(frame => connection.SendAsync(FrameLink.Shard, frame)).ToArray();
        receiver.TryReceiveAll(new byte[100_000]).Should().BeTrue();
        receiver.Close(0);

        foreach (var each in sent)
        {
            await FluentActions.Awaiting(() => each.WaitAsync(Patience)).Should().ThrowAsync<FrameConnectionException>();
        }

        await connection.Completion.WaitAsync(Patience);
        connection.IsClosed.Should().BeTrue();
        await FluentActions.Awaiting(() => connection.SendAsync(FrameLink.Shard, frames[0])).Should().ThrowAsync<FrameConnectionException>();
        Dispose(frames);
        await link.DisposeAsync();
    }

    [Fact]
    public async Task A_cancelled_wait_ends_and_the_connection_goes_on()
    {
        await using var link = new FrameLink();
        using var connection = await link.OpenAsync();
        using var frame = Frame(1, [1 << 19]);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await FluentActions.Awaiting(() => connection.SendAsync(FrameLink.Shard, frame, cancelled.Token).WaitAsync(Patience)).Should().ThrowAsync<OperationCanceledException>();

        (await connection.SendAsync(FrameLink.Shard, frame).WaitAsync(Patience)).Kind.Should().Be(FrameReplyKind.Accepted);
    }

    [Fact]
    public async Task Closing_fails_what_waits_and_ends_both_threads()
    {
        await using var link = new FrameLink();
        var connection = await link.OpenAsync();

        connection.Dispose();
        connection.Dispose();

        await connection.Completion.WaitAsync(Patience);
        using var frame = Frame(1, [4]);
        await FluentActions.Awaiting(() => connection.SendAsync(FrameLink.Shard, frame)).Should().ThrowAsync<FrameConnectionException>();
    }

    [Theory]
    [InlineData(FrameFault.BadHeader, 5, 99)] // kind
    [InlineData(FrameFault.BadHeader, 6, 0)] // element type
    [InlineData(FrameFault.BadHeader, 7, 200)] // rank
    [InlineData(FrameFault.UnknownFormat, 0, 1)] // mark
    [InlineData(FrameFault.UnknownFormat, 4, 9)] // version
    [InlineData(FrameFault.BadShape, 69, 0x7F)] // first dimension
    public async Task A_bad_header_is_refused_and_the_connection_goes_on(FrameFault fault, int place, int value)
    {
        await using var link = new FrameLink();
        using var socket = link.OpenRaw();
        var message = Message(Frame(1, [10, 10]));
        message[HeaderStart + place] = (byte)value;

        socket.Send(message);
        FrameLink.ReadReply(socket).Should().Match<FrameReply?>(reply => reply!.Value.Kind == FrameReplyKind.Refused && reply.Value.Fault == fault);

        socket.Send(Message(Frame(2, [10, 10])));
        FrameLink.ReadReply(socket)!.Value.Kind.Should().Be(FrameReplyKind.Accepted);
    }

    [Theory]
    [InlineData(int.MaxValue, int.MaxValue)]
    [InlineData(-1, 100)]
    [InlineData(65_536, 65_536)]
    public async Task A_shape_whose_product_overflows_is_refused_before_anything_is_rented(int first, int second)
    {
        await using var link = new FrameLink();
        using var socket = link.OpenRaw();
        var message = Message(Frame(1, [10, 10]));
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(HeaderStart + 66), first);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(HeaderStart + 70), second);

        socket.Send(message);

        FrameLink.ReadReply(socket).Should().Match<FrameReply?>(reply => reply!.Value.Fault == FrameFault.BadShape);
        link.Pool.Leased.Should().Be(0);
    }

    [Fact]
    public async Task A_damaged_payload_is_refused_and_the_connection_goes_on()
    {
        await using var link = new FrameLink();
        using var socket = link.OpenRaw();
        var message = Message(Frame(1, [100]));
        message[^20] ^= 1;

        socket.Send(message);
        FrameLink.ReadReply(socket).Should().Match<FrameReply?>(reply => reply!.Value.Fault == FrameFault.BadChecksum);
        socket.Send(Message(Frame(2, [100])));

        FrameLink.ReadReply(socket)!.Value.Kind.Should().Be(FrameReplyKind.Accepted);
        link.Inbox.Frames.Should().ContainSingle().Which.Header.Sequence.Should().Be(2);
    }

    [Fact]
    public async Task A_frame_over_the_limit_is_refused_and_the_connection_goes_on()
    {
        await using var link = new FrameLink();
        using var connection = await link.OpenAsync();
        using var frame = Frame(1, [2 << 20]);

        var reply = await connection.SendAsync(FrameLink.Shard, frame).WaitAsync(Patience);

        (reply.Kind, reply.Fault).Should().Be((FrameReplyKind.Refused, FrameFault.TooLarge));
        reply.Message.Should().Contain("over the limit");
        using var small = Frame(2, [10]);
        (await connection.SendAsync(FrameLink.Shard, small).WaitAsync(Patience)).Kind.Should().Be(FrameReplyKind.Accepted);
    }

    [Fact]
    public void Any_bytes_are_refused_or_end_their_own_connection_only() =>
        Gen.Select(Gen.Byte.Array[0, 3000], Gen.Int[0, 400], Gen.Byte[1, 255], Gen.Int[0, 3], Gen.Int[1, 4000]).ForAll(
            (garbage, place, value, way, length) =>
            {
                var link = new FrameLink();
                using var good = link.OpenRaw();
                using var bad = link.OpenRaw(sayHello: way != 0);
                var message = Message(Frame(1, [10, 10]));
                message[place % message.Length] ^= way == 1 ? value : (byte)0;
                byte[] bytes = way switch { 0 or 2 => garbage, 1 => message, _ => message[..Math.Min(length, message.Length - 1)] };
                bad.Send(bytes);
                bad.Shutdown(SocketShutdown.Send);
                while (FrameLink.ReadReply(bad) is { } reply)
                {
                    reply.Kind.Should().BeOneOf(FrameReplyKind.Refused, FrameReplyKind.NoSuchShard);
                }

                good.Send(Message(Frame(2, [10])));
                FrameLink.ReadReply(good)!.Value.Kind.Should().Be(FrameReplyKind.Accepted);
                link.DisposeAsync().AsTask().GetAwaiter().GetResult();
            },
            cases: 300);

    private static int HeaderStart => FrameMessageFormat.PrefixByteCount + FrameLink.Shard.ToString().Length;

    private static async Task AssertWorksAsync(FrameLink link)
    {
        using var connection = await link.OpenAsync();
        using var frame = Frame(1, [10]);
        (await connection.SendAsync(FrameLink.Shard, frame).WaitAsync(Patience)).Kind.Should().Be(FrameReplyKind.Accepted);
    }

    private static TensorFrame Frame(long sequence, int[] shape, FrameKind kind = FrameKind.Activation, TensorElementType type = TensorElementType.Float32)
    {
        var frame = TensorFrame.Rent(SendersPool, new FrameHeader
        {
            Kind = kind,
            Session = Guid.NewGuid(),
            Sequence = sequence,
            MicroBatch = new MicroBatchId("run", 1, 2, 3),
            SourceStage = 0,
            ElementType = type,
            Shape = [.. shape],
            Pathway = ["miner-1", "miner-2"],
        });
        new Random((int)sequence).NextBytes(frame.Payload.Span);
        return frame;
    }

    /// <summary>A frame's bytes on the wire; the frame is given back.</summary>
    private static byte[] Message(TensorFrame frame)
    {
        using (frame)
        {
            var writer = new ArrayBufferWriter<byte>();
            FrameMessageFormat.WriteHead(writer, 1, FrameLink.Shard, frame.Header, frame.Payload.Length);
            var head = writer.WrittenSpan.ToArray();
            writer.Write(frame.Payload.Span);
            var checksum = new byte[FrameMessageFormat.ChecksumByteCount];
            BinaryPrimitives.WriteUInt64LittleEndian(checksum, FrameMessageFormat.Checksum(FrameMessageFormat.Checksum(0, head), frame.Payload.Span));
            writer.Write(checksum);
            return writer.WrittenSpan.ToArray();
        }
    }

    private static void Dispose(IEnumerable<TensorFrame> frames)
    {
        foreach (var frame in frames)
        {
            frame.Dispose();
        }
    }
}
