using System.Buffers.Binary;
using CsCheck;
using IotaOrleans.Training.Checkpoints;

namespace IotaOrleans.Tests.Checkpoints;

public sealed class SafetensorsCorruptionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_undamaged_file_opens()
    {
        using SafetensorsFile file = Open(SafetensorsImage.Valid());

        file.Tensors["b"].Should().BeEquivalentTo(new { Name = "b", DType = SafetensorsDType.BF16, Shape = new long[] { 3 }, Length = 6, ElementCount = 3 });
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        byte[] whole = SafetensorsImage.Valid();
        for (int length = 0; length < whole.Length; length++)
        {
            Refuse(whole[..length]);
        }
    }

    [Fact]
    public void Trailing_bytes_are_refused() =>
        Refuse([.. SafetensorsImage.Valid(), 0]).Should().EndWith("the file holds 23 bytes of tensors, its header describes 22");

    [Theory]
    [InlineData(0)]
    [InlineData(100_000_001)]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    [InlineData(150)]
    public void A_wrong_header_length_is_refused(long length)
    {
        byte[] image = SafetensorsImage.Valid();
        BinaryPrimitives.WriteInt64LittleEndian(image, length);

        Refuse(image).Should().Contain("header");
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F8","shape":[4],"data_offsets":[0,4]}}""", "tensor a has the unknown dtype F8")]
    [InlineData("""{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}""", "tensor a has the unknown dtype f32")]
    [InlineData("""{"a":{"dtype":"0","shape":[4],"data_offsets":[0,4]}}""", "tensor a has the unknown dtype 0")]
    [InlineData("""{"a":{"dtype":5,"shape":[4],"data_offsets":[0,4]}}""", "tensor a has a field dtype that is unknown, repeated or of the wrong type")]
    [InlineData("""{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}}""", "tensor a of shape [1] and dtype F16 takes 2 bytes, its offsets hold 4")]
    [InlineData("""{"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}""", "tensor a has -4 in its shape, expected a whole number of at least 0")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4.5],"data_offsets":[0,4]}}""", "tensor a has 4.5 in its shape*")]
    [InlineData("""{"a":{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}}""", "tensor a has \"4\" in its shape*")]
    [InlineData("""{"a":{"dtype":"U8","shape":4,"data_offsets":[0,4]}}""", "tensor a has a shape that is not a list")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,4]}}""", "tensor a has the impossible shape [4294967296, 4294967296]")]
    [InlineData("""{"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,4]}}""", "tensor a has 9223372036854775808 in its shape*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}""", "tensor a lies at bytes [4, 0] of 4*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}""", "tensor a lies at bytes [0, 5] of 4*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[5],"data_offsets":[-1,4]}}""", "tensor a has -1 in its data_offsets*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0]}}""", "tensor a lacks dtype, shape or a pair of data_offsets")]
    [InlineData("""{"a":{"dtype":"U8","data_offsets":[0,4]}}""", "tensor a lacks dtype, shape or a pair of data_offsets")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"shape":[4],"data_offsets":[0,4]}}""", "tensor a has a field shape that is unknown, repeated*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"device":1}}""", "tensor a has a field device that is unknown*")]
    [InlineData("""{"a":[]}""", "tensor a is not described by a JSON object")]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "tensor b overlaps the tensor before it: it starts at 2, expected 3")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "tensor b leaves a gap before it: it starts at 2, expected 1")]
    [InlineData("""{"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "tensor b leaves a gap before it*")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", "the file holds 4 bytes of tensors, its header describes 2")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "the header names a twice")]
    [InlineData("""{"__metadata__":[]}""", "__metadata__ is not a JSON object")]
    [InlineData("""{"__metadata__":{"format":1}}""", "__metadata__ entry format is not a string, or stands twice")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}""", "the header is not valid JSON:*")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "the header is not valid JSON:*")]
    [InlineData("""[1]""", "the header is not a JSON object*")]
    [InlineData(""" {"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "the header is not a JSON object*")]
    public void A_wrong_header_is_refused_by_name(string json, string reason) =>
        Refuse(SafetensorsImage.Of(json, dataLength: 4)).Should().Match($"{_folder.File("model.safetensors")}: {reason}");

    [Fact]
    public void A_header_that_is_not_utf8_is_refused() =>
        Refuse(SafetensorsImage.Of([.. "{\""u8, 0xff, .. "\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}"u8], 4)).Should().Contain("not valid JSON");

    [Fact]
    public void A_name_cannot_break_the_message_into_lines() =>
        Refuse(SafetensorsImage.Of("""{"a\n\u001b[2J":[]}""", 0)).Should().Contain("tensor a??[2J is not");

    [Fact]
    public void A_missing_file_and_a_folder_are_refused()
    {
        FluentActions.Invoking(() => SafetensorsFile.Open(_folder.File("absent"))).Should().Throw<IotaException>().Which.ExitCode.Should().Be(ExitCode.Model);
        FluentActions.Invoking(() => SafetensorsFile.Open(_folder.Path)).Should().Throw<IotaException>().Which.ExitCode.Should().Be(ExitCode.Model);
    }

    [Fact]
    public void Damaged_bytes_are_refused_or_stay_inside_the_file()
    {
        byte[] valid = SafetensorsImage.Valid();
        Gen.Select(Gen.Int[0, valid.Length - 1], Gen.Byte).Array[1, 3].ForAll(damage =>
        {
            byte[] image = [.. valid];
            foreach ((int position, byte value) in damage)
            {
                image[position] = value;
            }

            try
            {
                using SafetensorsFile file = Open(image);
                foreach (SafetensorsEntry entry in file.Tensors.Values)
                {
                    file.Read(entry.Name, new byte[entry.Length]);
                }
            }
            catch (IotaException refused)
            {
                refused.ExitCode.Should().Be(ExitCode.Model);
                refused.Message.Should().NotContain("\n");
            }
        }, cases: 5_000);
    }

    private SafetensorsFile Open(byte[] image)
    {
        string path = _folder.File("model.safetensors");
        File.WriteAllBytes(path, image);
        return SafetensorsFile.Open(path);
    }

    private string Refuse(byte[] image) =>
        FluentActions.Invoking(() => Open(image)).Should().Throw<IotaException>().Where(refused => refused.ExitCode == ExitCode.Model).Which.Message;
}
