using System.Globalization;
using IotaOrleans.Host;
using IotaOrleans.Host.CommandLine.Settings;

namespace IotaOrleans.ClusterTests.Deploy;

/// <summary>Holds the manifests against each other and against the program's own constants.</summary>
public sealed class KubernetesTests
{
    private static readonly string HttpPort = Text(HostDefaults.HttpPort);
    private static readonly string SiloPort = Text(HostDefaults.SiloPort);
    private static readonly string TensorPort = Text(HostDefaults.TensorPort);
    private static readonly YamlValue[] Objects = [.. DeployFiles.Kubernetes()];

    public static TheoryData<string> Roles => ["control", "miner"];

    [Fact]
    public void Every_manifest_is_listed_and_every_listed_one_exists()
    {
        var files = Directory.GetFiles(Path.Combine(DeployFiles.Folder, "kubernetes")).Select(path => Path.GetFileName(path)).Except(["kustomization.yaml"]);

        DeployFiles.Yaml("kubernetes/kustomization.yaml").Single()["resources"].ItemTexts.Should().BeEquivalentTo(files);
    }

    [Theory]
    [InlineData("control", HostDefaults.ServeCommand)]
    [InlineData("miner", HostDefaults.JoinCommand)]
    public void A_silo_runs_its_command(string role, string command) => Container(role)["args"].ItemTexts.Should().Equal(command);

    [Theory]
    [MemberData(nameof(Roles))]
    public void A_silo_says_its_pods_address_and_the_port_that_it_opens(string role)
    {
        var environment = Environment(role);

        environment[HostDefaults.AdvertisedAddressVariable].Should().Be("$(POD_IP)");
        environment["POD_IP"].Should().Be("status.podIP");
        environment[HostDefaults.SiloPortVariable].Should().Be(SiloPort);
        Ports(role)["silo"].Should().Be(SiloPort);
        environment[HostDefaults.TensorPortVariable].Should().Be(TensorPort);
        Ports(role)["tensors"].Should().Be(TensorPort);
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void A_silo_is_given_only_variables_that_its_command_reads(string role) =>
        Environment(role).Keys.Where(name => name.StartsWith(SettingVariable.Prefix, StringComparison.Ordinal)).Should().BeSubsetOf(ProgramVariables.Of(role));

    [Fact]
    public void The_control_silo_serves_its_page_where_the_service_looks()
    {
        var environment = Environment("control");

        environment[HostDefaults.HttpAddressVariable].Should().Be("0.0.0.0");
        environment[HostDefaults.HttpPortVariable].Should().Be(HttpPort);
        Ports("control")["http"].Should().Be(HttpPort);
    }

    [Fact]
    public void Probes_ask_what_the_program_answers()
    {
        var container = Container("control");

        (container["startupProbe.httpGet.path"].Text, container["startupProbe.httpGet.port"].Text).Should().Be((HostDefaults.ReadyPath, "http"));
        (container["readinessProbe.httpGet.path"].Text, container["readinessProbe.httpGet.port"].Text).Should().Be((HostDefaults.ReadyPath, "http"));
        (container["livenessProbe.httpGet.path"].Text, container["livenessProbe.httpGet.port"].Text).Should().Be((HostDefaults.LivePath, "http"));
        Container("miner")["livenessProbe.tcpSocket.port"].Text.Should().Be("silo");
    }

    [Fact]
    public void A_miner_finds_the_control_silo_by_the_name_that_its_service_gives_it()
    {
        var control = StatefulSet("control");
        var service = control["spec.serviceName"].Text;

        Environment("miner")[HostDefaults.ClusterVariable].Should().Be($"control-0.{service}:{SiloPort}");
        Named("Service", service)["spec.clusterIP"].Text.Should().Be("None", "only a headless service gives pods names");
        control["spec.replicas"].Text.Should().Be("1");
        Environment("miner")[HostDefaults.MinerVariable].Should().Be("$(POD_NAME)", "a miner that comes back must have the same name");
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void Runs_are_on_the_shared_volume_and_only_the_control_silo_writes(string role)
    {
        var mount = Container(role)["volumeMounts"].Items.Single(item => item["name"].Text == "runs");

        mount["mountPath"].Text.Should().Be(Environment("control")[HostDefaults.RunsVariable]);
        mount["readOnly"].Text.Should().Be(role == "miner" ? "true" : "");
        StatefulSet(role)["spec.template.spec.volumes"].Items.Single(item => item["name"].Text == "runs")["persistentVolumeClaim.claimName"].Text
            .Should().Be(OfKind("PersistentVolumeClaim").Single()["metadata.name"].Text);
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void A_pod_has_no_more_rights_than_it_needs(string role)
    {
        var pod = StatefulSet(role)["spec.template.spec"];
        var container = Container(role);

        pod["automountServiceAccountToken"].Text.Should().Be("false");
        pod["securityContext.runAsNonRoot"].Text.Should().Be("true");
        pod["securityContext.runAsUser"].Text.Should().Be(ContainerImageTests.UserId);
        container["securityContext.readOnlyRootFilesystem"].Text.Should().Be("true");
        container["securityContext.allowPrivilegeEscalation"].Text.Should().Be("false");
        container["securityContext.capabilities.drop"].ItemTexts.Should().Equal("ALL");
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void Processors_are_asked_for_and_not_limited_memory_is_both(string role)
    {
        var resources = Container(role)["resources"];

        resources["requests"].Map.Keys.Should().BeEquivalentTo("cpu", "memory");
        resources["limits"].Map.Keys.Should().BeEquivalentTo("memory");
        int.Parse(StatefulSet(role)["spec.template.spec.terminationGracePeriodSeconds"].Text, CultureInfo.InvariantCulture).Should().BeGreaterThanOrEqualTo(60);
    }

    [Fact]
    public void Every_selector_selects_a_pod_of_ours()
    {
        var pods = OfKind("StatefulSet").Select(set => set["spec.template.metadata.labels"].Texts).ToList();
        var selectors = OfKind("StatefulSet").Select(set => set["spec.selector.matchLabels"])
            .Concat(OfKind("Service").Select(service => service["spec.selector"]))
            .Concat(OfKind("PodDisruptionBudget").Select(budget => budget["spec.selector.matchLabels"]))
            .Concat(OfKind("NetworkPolicy").Select(policy => policy["spec.podSelector.matchLabels"]))
            .Concat(OfKind("NetworkPolicy").SelectMany(policy => policy["spec.ingress"].Items).SelectMany(rule => rule["from"].Items)
                .Select(peer => peer["podSelector.matchLabels"]).Where(selector => selector.Value is not null));

        selectors.Select(selector => selector.Texts).Should().HaveCountGreaterThan(8)
            .And.OnlyContain(selector => selector.Count > 0 && pods.Any(pod => selector.All(label => pod.GetValueOrDefault(label.Key) == label.Value)));
    }

    [Fact]
    public void Services_lead_to_ports_that_their_pods_open()
    {
        foreach (var service in OfKind("Service"))
        {
            var ports = Ports(service["spec.selector"].Texts["app.kubernetes.io/component"]);
            foreach (var port in service["spec.ports"].Items)
            {
                ports[port["targetPort"].Text].Should().Be(port["port"].Text, service["metadata.name"].Text);
            }
        }
    }

    [Fact]
    public void Only_silos_reach_a_silos_port()
    {
        var rules = OfKind("NetworkPolicy").SelectMany(policy => policy["spec.ingress"].Items)
            .Where(rule => rule["ports"].Items.Any(port => port["port"].Text == SiloPort)).ToList();

        rules.Should().ContainSingle();
        rules[0]["ports"].Items.Select(port => port["port"].Text).Should().Equal(SiloPort, TensorPort);
        rules[0]["from"].Items.Should().ContainSingle().Which["podSelector.matchLabels"].Texts.Should().ContainKey("app.kubernetes.io/name");
        OfKind("NetworkPolicy").SelectMany(policy => policy["spec.ingress"].Items).Should().OnlyContain(rule => rule["ports"].Items.Count > 0);
    }

    private static IEnumerable<YamlValue> OfKind(string kind) => Objects.Where(item => item["kind"].Text == kind);

    private static YamlValue Named(string kind, string name) => OfKind(kind).Single(item => item["metadata.name"].Text == name);

    private static YamlValue StatefulSet(string role) => Named("StatefulSet", role);

    private static YamlValue Container(string role) => StatefulSet(role)["spec.template.spec.containers"].Items.Single();

    private static Dictionary<string, string> Ports(string role) =>
        Container(role)["ports"].Items.ToDictionary(port => port["name"].Text, port => port["containerPort"].Text);

    private static Dictionary<string, string> Environment(string role) => Container(role)["env"].Items.ToDictionary(
        variable => variable["name"].Text,
        variable => variable["value"].Value as string ?? variable["valueFrom.fieldRef.fieldPath"].Text);

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}
