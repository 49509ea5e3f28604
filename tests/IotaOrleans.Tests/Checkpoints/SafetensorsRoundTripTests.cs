using System.Buffers.Binary;
using CsCheck;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Tests.Checkpoints;

public sealed class SafetensorsRoundTripTests : IDisposable
{
    private static readonly Gen<SafetensorsDType> DTypes = Gen.Enum<SafetensorsDType>();

    private static readonly Gen<(SafetensorsDType DType, long[] Shape)[]> Tensors =
        Gen.Select(DTypes, Gen.Long[0, 5].Array[0, 4]).Array[0, 8];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_in_chunks_is_read_back()
    {
        Gen.Select(Tensors, Gen.Int[1, 40], Gen.Int).ForAll((described, chunk, seed) =>
        {
            SafetensorsTensor[] tensors = [.. described.Select((tensor, index) => new SafetensorsTensor($"tensor \"{index}\" ü", tensor.DType, tensor.Shape))];
            var random = new Random(seed);
            string path = _folder.File($"{Guid.NewGuid():N}.safetensors");
            var contents = new Dictionary<string, byte[]>();
            using (FileStream output = File.Create(path))
            {
                var writer = new SafetensorsWriter(output, tensors, new Dictionary<string, string> { ["seed"] = $"{seed}" });
                foreach (SafetensorsTensor tensor in tensors)
                {
                    var bytes = new byte[tensor.DType.Size() * tensor.Shape.Aggregate(1L, (product, dimension) => product * dimension)];
                    random.NextBytes(bytes);
                    contents[tensor.Name] = bytes;
                    foreach (byte[] part in bytes.Chunk(chunk))
                    {
                        writer.Write(tensor.Name, part);
                    }
                }

                writer.Complete();
            }

            using var file = SafetensorsFile.Open(path);
            file.Metadata.Should().Equal(new Dictionary<string, string> { ["seed"] = $"{seed}" });
            file.Tensors.Keys.Should().BeEquivalentTo(contents.Keys);
            foreach (SafetensorsTensor tensor in tensors)
            {
                SafetensorsEntry entry = file.Tensors[tensor.Name];
                var read = new byte[entry.Length];
                file.Read(tensor.Name, read);
                read.Should().Equal(contents[tensor.Name]);
                entry.DType.Should().Be(tensor.DType);
                entry.Shape.Should().Equal(tensor.Shape);
                int half = read.Length / 2;
                file.ReadPart(tensor.Name, half, read.AsSpan(half));
                read.Should().Equal(contents[tensor.Name]);
            }
        }, cases: 200);
    }

    [Fact]
    public void Tensors_begin_at_a_multiple_of_eight_and_the_header_is_padded_with_spaces()
    {
        for (int nameLength = 1; nameLength <= 16; nameLength++)
        {
            using var output = new MemoryStream();
            var writer = new SafetensorsWriter(output, [new SafetensorsTensor(new string('n', nameLength), SafetensorsDType.U8, [1])]);
            writer.Write(new string('n', nameLength), [7]);
            byte[] image = output.ToArray();

            long length = BinaryPrimitives.ReadInt64LittleEndian(image);
            (length % 8).Should().Be(0);
            image.Length.Should().Be(8 + (int)length + 1);
            System.Text.Encoding.UTF8.GetString(image, 8, (int)length).TrimEnd(' ').Should()
                .Be($$$"""{"__metadata__":{"format":"pt"},"{{{new string('n', nameLength)}}}":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""");
        }
    }

    [Fact]
    public void Singles_survive_bit_for_bit()
    {
        string path = _folder.File("model.safetensors");
        float[] values = [0f, -0f, 1.5f, float.MinValue, float.Epsilon, float.NaN, float.NegativeInfinity];
        using (FileStream output = File.Create(path))
        {
            new SafetensorsWriter(output, [new SafetensorsTensor("w", SafetensorsDType.F32, [7])]).WriteSingles("w", values);
        }

        using var file = SafetensorsFile.Open(path);
        var read = new float[7];
        file.ReadSingles("w", read);
        read.Select(BitConverter.SingleToUInt32Bits).Should().Equal(values.Select(BitConverter.SingleToUInt32Bits));
    }

    [Theory]
    [InlineData(SafetensorsDType.BF16)]
    [InlineData(SafetensorsDType.F16)]
    public void Every_half_precision_number_becomes_its_single(SafetensorsDType dtype)
    {
        string path = _folder.File("model.safetensors");
        var bytes = new byte[65536 * 2];
        for (int i = 0; i < 65536; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(i * 2), (ushort)i);
        }

        using (FileStream output = File.Create(path))
        {
            new SafetensorsWriter(output, [new SafetensorsTensor("w", dtype, [65536])]).Write("w", bytes);
        }

        using var file = SafetensorsFile.Open(path);
        var read = new float[65536];
        file.ReadSingles("w", read);
        int exponentBits = dtype == SafetensorsDType.BF16 ? 8 : 5;
        read.Select(Canonical).Should().Equal(Enumerable.Range(0, 65536).Select(bits => Canonical(Decode(bits, exponentBits))));

        static float Canonical(float value) => float.IsNaN(value) ? float.NaN : value;
    }

    [Fact]
    public void Integers_are_not_read_as_weights()
    {
        string path = _folder.File("model.safetensors");
        using (FileStream output = File.Create(path))
        {
            new SafetensorsWriter(output, [new SafetensorsTensor("ids", SafetensorsDType.I64, [1])]).Write("ids", new byte[8]);
        }

        using var file = SafetensorsFile.Open(path);
        file.Invoking(opened => opened.ReadSingles("ids", new float[1])).Should().Throw<IotaException>()
            .WithMessage("*model.safetensors: tensor ids is I64, expected F32, F16 or BF16").Which.ExitCode.Should().Be(ExitCode.Model);
    }

    [Fact]
    public void Reading_outside_a_tensor_is_refused()
    {
        string path = _folder.File("model.safetensors");
        File.WriteAllBytes(path, SafetensorsImage.Valid());
        using var file = SafetensorsFile.Open(path);

        file.Invoking(opened => opened.Read("a", new byte[15])).Should().Throw<ArgumentException>();
        file.Invoking(opened => opened.Read("a", new byte[17])).Should().Throw<ArgumentException>();
        file.Invoking(opened => opened.ReadPart("a", 10, new byte[7])).Should().Throw<ArgumentOutOfRangeException>();
        file.Invoking(opened => opened.ReadPart("a", -1, new byte[1])).Should().Throw<ArgumentOutOfRangeException>();
        file.Invoking(opened => opened.Read("c", new byte[1])).Should().Throw<IotaException>().WithMessage("*there is no tensor c");
    }

    [Fact]
    public void A_writer_refuses_what_was_not_announced()
    {
        SafetensorsTensor[] tensors = [new("a", SafetensorsDType.U8, [2]), new("empty", SafetensorsDType.U8, [0]), new("b", SafetensorsDType.U8, [1])];
        var writer = new SafetensorsWriter(Stream.Null, tensors);

        writer.Invoking(due => due.Write("b", [1])).Should().Throw<InvalidOperationException>().WithMessage("*when a was due*");
        writer.Invoking(due => due.Write("a", [1, 2, 3])).Should().Throw<InvalidOperationException>().WithMessage("*lacks 2 bytes*");
        writer.Write("a", [1, 2]);
        writer.Invoking(due => due.Complete()).Should().Throw<InvalidOperationException>().WithMessage("Tensor b lacks 1 bytes.");
        writer.Write("b", [3]);
        writer.Complete();
        writer.Invoking(due => due.Write("b", [3])).Should().Throw<InvalidOperationException>();

        FluentActions.Invoking(() => new SafetensorsWriter(Stream.Null, [tensors[0], tensors[0]])).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new SafetensorsWriter(Stream.Null, [tensors[0] with { Name = "__metadata__" }])).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new SafetensorsWriter(Stream.Null, [tensors[0] with { Shape = [-1] }])).Should().Throw<ArgumentException>();
    }

    // Straight from the definition: sign, biased exponent, fraction.
    private static float Decode(int bits, int exponentBits)
    {
        int fractionBits = 15 - exponentBits;
        int exponent = (bits >> fractionBits) & ((1 << exponentBits) - 1);
        double fraction = (bits & ((1 << fractionBits) - 1)) / (double)(1 << fractionBits);
        int bias = (1 << (exponentBits - 1)) - 1;
        double magnitude = exponent == (1 << exponentBits) - 1
            ? (fraction == 0 ? double.PositiveInfinity : double.NaN)
            : exponent == 0 ? fraction * Math.Pow(2, 1 - bias) : (1 + fraction) * Math.Pow(2, exponent - bias);
        return (float)((bits & 0x8000) == 0 ? magnitude : -magnitude);
    }
}
