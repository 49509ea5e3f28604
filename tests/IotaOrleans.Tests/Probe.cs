namespace IotaOrleans.Tests;
public class Probe { [Fact] public void Loads() { using var t = TorchSharp.torch.ones(3); t.sum().item<float>().Should().Be(3); } }
