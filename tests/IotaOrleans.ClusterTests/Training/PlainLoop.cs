using IotaOrleans.Protocol.Runs;
using IotaOrleans.Training.Data;
using IotaOrleans.Training.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace IotaOrleans.ClusterTests.Training;

/// <summary>
/// A Llama decoder and its training loop as one would write them in plain TorchSharp, with none of the project's model, optimizer or
/// pipeline: separate projections, explicit attention, torch's AdamW and clipping, the whole batch at once. What the cluster must equal.
/// </summary>
internal static class PlainLoop
{
    public static IReadOnlyList<double> Train(TrainingRunSpecification run, int steps)
    {
        using var pause = new FinalizerPause();
        using var scope = NewDisposeScope();
        var parameters = Initialize(run);
        var settings = run.Optimizer;
        var matrices = optim.AdamW(parameters.Values.Where(value => value.dim() > 1), settings.LearningRate, settings.Beta1, settings.Beta2, settings.Epsilon, settings.WeightDecay);
        var vectors = optim.AdamW(parameters.Values.Where(value => value.dim() == 1), settings.LearningRate, settings.Beta1, settings.Beta2, settings.Epsilon, 0);
        using var data = TokenDataSet.Open(run.DataDirectory);
        var losses = new List<double>();
        for (var step = 1; step <= steps; step++)
        {
            using var stepScope = NewDisposeScope();
            var (tokens, targets) = Batch(run, data, step);
            var loss = nn.functional.cross_entropy(Forward(run.Model, parameters, tokens).view(-1, run.Model.VocabularySize), targets.view(-1));
            matrices.zero_grad();
            vectors.zero_grad();
            loss.backward();
            nn.utils.clip_grad_norm_(parameters.Values, settings.GradientClip);
            foreach (var optimizer in new[] { matrices, vectors })
            {
                foreach (var group in optimizer.ParamGroups)
                {
                    group.LearningRate = LearningRateSchedule.At(settings, step, run.Steps);
                }

                optimizer.step();
            }

            losses.Add(loss.item<float>());
        }

        return losses;
    }

    private static Dictionary<string, Parameter> Initialize(TrainingRunSpecification run)
    {
        using var stage = new LlamaStage(run.Model, new BlockRange(0, run.Model.BlockCount));
        ParameterInitializer.Initialize(stage.Parameters, run.Model, run.Seed);
        return stage.Parameters.Layout.Slots.ToDictionary(
            slot => slot.Name,
            slot => new Parameter(tensor(stage.Parameters.ValuesOf(slot.Name).ToArray()).view(slot.Shape.ToArray()).clone()));
    }

    private static (Tensor Tokens, Tensor Targets) Batch(TrainingRunSpecification run, TokenDataSet data, long step)
    {
        var offsets = DataSlice.Offsets(run.Seed, DataSplit.Train, step, 0, run.BatchSize, run.ContextLength, data.Train.Count);
        var rows = offsets.Select(offset =>
        {
            var row = new long[run.ContextLength + 1];
            data.Train.Read(offset, row);
            return tensor(row);
        }).ToArray();
        var batch = stack(rows);
        return (batch.narrow(1, 0, run.ContextLength).contiguous(), batch.narrow(1, 1, run.ContextLength).contiguous());
    }

    private static Tensor Forward(ModelConfiguration model, Dictionary<string, Parameter> weights, Tensor tokens)
    {
        var x = weights["model.embed_tokens.weight"][tokens];
        for (var index = 0; index < model.BlockCount; index++)
        {
            var prefix = $"model.layers.{index}.";
            if (model.FollowsBottleneck(index))
            {
                x = nn.functional.pad(x, [0, model.HiddenSize - x.shape[^1]]) + nn.functional.linear(x, weights[prefix + "bottleneck_up.weight"]);
            }

            x = x + Attention(model, weights, prefix + "self_attn.", Norm(model, x, weights[prefix + "input_layernorm.weight"]));
            var h = Norm(model, x, weights[prefix + "post_attention_layernorm.weight"]);
            var gate = nn.functional.linear(h, weights[prefix + "mlp.gate_proj.weight"]);
            var up = nn.functional.linear(h, weights[prefix + "mlp.up_proj.weight"]);
            x = x + nn.functional.linear(gate * gate.sigmoid() * up, weights[prefix + "mlp.down_proj.weight"]);
            if (model.FollowsBottleneck(index + 1))
            {
                x = x.narrow(-1, 0, model.BoundaryWidth(index + 1)) + nn.functional.linear(Norm(model, x, weights[prefix + "bottleneck_norm.weight"]), weights[prefix + "bottleneck_down.weight"]);
            }
        }

        var head = model.TiedEmbeddings ? weights["model.embed_tokens.weight"] : weights["lm_head.weight"];
        return nn.functional.linear(Norm(model, x, weights["model.norm.weight"]), head);
    }

    private static Tensor Attention(ModelConfiguration model, Dictionary<string, Parameter> weights, string prefix, Tensor h)
    {
        long batch = h.shape[0], time = h.shape[1], size = model.HeadSize;
        var query = Rotate(model, Heads("q_proj", model.HeadCount));
        var key = Rotate(model, Heads("k_proj", model.KeyValueHeadCount)).repeat_interleave(model.HeadCount / model.KeyValueHeadCount, 1);
        var value = Heads("v_proj", model.KeyValueHeadCount).repeat_interleave(model.HeadCount / model.KeyValueHeadCount, 1);
        var scores = query.matmul(key.transpose(-2, -1)) / Math.Sqrt(size);
        var future = ones(time, time, ScalarType.Bool).triu(1);
        var mixed = nn.functional.softmax(scores.masked_fill(future, float.NegativeInfinity), -1).matmul(value);
        return nn.functional.linear(mixed.transpose(1, 2).reshape(batch, time, model.HiddenSize), weights[prefix + "o_proj.weight"]);

        Tensor Heads(string name, int count) =>
            nn.functional.linear(h, weights[$"{prefix}{name}.weight"]).view(batch, time, count, size).transpose(1, 2);
    }

    private static Tensor Rotate(ModelConfiguration model, Tensor heads)
    {
        long time = heads.shape[2], half = model.HeadSize / 2;
        var frequencies = 1 / pow(model.RotaryBase, arange(0, half, ScalarType.Float32) * 2 / model.HeadSize);
        var angles = arange(time, ScalarType.Float32).unsqueeze(1) * frequencies.unsqueeze(0);
        var first = heads.narrow(-1, 0, half);
        var second = heads.narrow(-1, half, half);
        return cat([(first * angles.cos()) - (second * angles.sin()), (second * angles.cos()) + (first * angles.sin())], -1);
    }

    private static Tensor Norm(ModelConfiguration model, Tensor x, Tensor weight) =>
        x / (x.pow(2).mean([-1], keepdim: true) + model.NormEpsilon).sqrt() * weight;
}
