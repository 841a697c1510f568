"""What must hold of every overlay. Each policy yields a sentence for each fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, Literal, TypeAlias

import click
from prometheus_client import REGISTRY
from pydantic import ValidationError

from aggregator.__main__ import AggregatorSettings
from featurizer.__main__ import FeaturizerSettings
from pipeline.jetstream.commands import work
from scorer.__main__ import ScorerSettings
from servicekit import ServiceSettings
from servicekit.health import LIVENESS, STARTUP
from tests.unit.deploy.manifests import (
    ROOT,
    Container,
    Document,
    Manifests,
    container_ports,
    matches,
    quantity,
    title,
)

Policy: TypeAlias = Callable[[Manifests], Iterator[str]]

SETTINGS: Final[Mapping[str, type[ServiceSettings]]] = {
    "featurizer": FeaturizerSettings,
    "scorer": ScorerSettings,
    "aggregator": AggregatorSettings,
}
CONTRACTS: Final = {name: f"playscore.{name}.v1.{name.title()}Service" for name in SETTINGS}
UPSTREAM: Final = {"docker.io/library/nats", "nvcr.io/nvidia/tritonserver"}
"""Images of others."""
MEASURED_BYTES: Final = {"featurizer": 1280 * 2**20, "scorer": 1024 * 2**20, "aggregator": 1536 * 2**20}
"""What a service may need at its own limits: docs/reliability.md, "Memory"."""
OF_TRITON: Final = {"nv_inference_pending_request_count"}
"""Metrics of Triton that autoscalers use; tests/integration/test_observability.py reads them from a real one."""
_PEERS: Final = {"ingress": "from", "egress": "to"}
CALLS: Final = "playscore/calls"
"""The label of pods that are not of the installation, and call it."""


# --- containers ---


def resources_are_limited(manifests: Manifests) -> Iterator[str]:
    for container in manifests.containers():
        resources = container.content.get("resources", {})
        for kind, what in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
            if what not in resources.get(kind, {}):
                yield f"{container} has no {kind} of {what}"
        least = MEASURED_BYTES.get(container.name)
        limit = resources.get("limits", {}).get("memory", "0")
        if least is not None and quantity(limit) < least:
            yield f"{container} may take {limit}; its own limits let it take {least / 2**20:g}Mi"
        for name in (name for kind in resources.values() for name in kind if name.startswith("nvidia.com/")):
            values = [resources.get(kind, {}).get(name) for kind in ("requests", "limits")]
            if values[0] != values[1] or not isinstance(values[0], str):
                yield f"{container}: requests and limits of {name} must be one text, not {values}"


def containers_are_restricted(manifests: Manifests) -> Iterator[str]:
    for container in manifests.containers():
        pod = container.pod.get("securityContext", {})
        own = container.content.get("securityContext", {})
        wanted = {
            "runs as root": pod.get("runAsNonRoot") is True,
            "has no user number": isinstance(pod.get("runAsUser"), int) and pod["runAsUser"] >= 1000,
            "has no seccomp profile": pod.get("seccompProfile") == {"type": "RuntimeDefault"},
            "may gain privileges": own.get("allowPrivilegeEscalation") is False,
            "may write its root": own.get("readOnlyRootFilesystem") is True,
            "keeps capabilities": own.get("capabilities") == {"drop": ["ALL"]},
            "has a token of the API server": container.pod.get("automountServiceAccountToken") is False,
            "hears of every Service": container.pod.get("enableServiceLinks") is False,
        }
        yield from (f"{container} {what}" for what, is_right in wanted.items() if not is_right)


def probes_ask_what_is_told(manifests: Manifests) -> Iterator[str]:
    for container in manifests.containers():
        if not container.runs_on:
            continue
        ports = {port["name"]: port["containerPort"] for port in container.content.get("ports", ())}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container.content.get(kind)
            if probe is None:
                yield f"{container} has no {kind}"
                continue
            if "httpGet" in probe and probe["httpGet"]["port"] not in ports:
                yield f"{container}: {kind} asks port {probe['httpGet']['port']}, which it does not serve"
            if "grpc" in probe:
                yield from _grpc_probe(container, kind, probe["grpc"], ports)


def _grpc_probe(container: Container, kind: str, probe: Mapping[str, Any], ports: Mapping[str, int]) -> Iterator[str]:
    name = probe.get("service", "")
    if probe["port"] != ports.get("health"):
        yield f"{container}: {kind} asks port {probe['port']}, which is not that of health"
    if name not in {"", LIVENESS, STARTUP, CONTRACTS.get(container.name, "")}:
        yield f'{container}: {kind} asks for "{name}", which nobody tells'
    if (kind == "livenessProbe") != (name == LIVENESS) and kind != "startupProbe":
        yield f'{container}: {kind} asks for "{name}": only liveness depends on nothing else'


def settings_are_known(manifests: Manifests) -> Iterator[str]:
    for container in manifests.containers():
        settings = SETTINGS.get(container.name)
        values = {each["name"]: each.get("value", "x") for each in container.content.get("env", ())}
        if settings is not None:
            prefix = str(settings.model_config["env_prefix"])
            unknown = {
                name
                for name in values
                if name.startswith("PLAYSCORE_") and name.removeprefix(prefix).lower() not in settings.model_fields
            }
            yield from (f"{container} has no setting {name}" for name in sorted(unknown))
            yield from _wrong_values(container, settings, prefix, values)
        if container.name == "worker":
            _, *arguments = container.content["args"]
            try:
                files = [argument for argument in arguments if "=/etc/" not in argument]
                work.make_context("work", files)
            except click.UsageError as wrong:
                yield f"{container}: {wrong.message}"


def _wrong_values(
    container: Container, settings: type[ServiceSettings], prefix: str, values: Mapping[str, str]
) -> Iterator[str]:
    given = {
        name.removeprefix(prefix).lower(): value
        for name, value in values.items()
        if name.startswith(prefix) and not value.startswith("/etc/") and "$(" not in value
    }
    if any("_TLS_CERTIFICATE" in name for name in values):
        given["listen"] = "127.0.0.1:1"  # files of certificates are not here
    try:
        parsed = settings.model_validate({key: value for key, value in given.items() if key in settings.model_fields})
    except ValidationError as wrong:
        yield from (f"{container}: {error['loc']} {error['msg']}" for error in wrong.errors())
        return
    ports = {port["name"]: port["containerPort"] for port in container.content["ports"]}
    served = {"metrics": parsed.metrics_address.port, "health": parsed.health_address and parsed.health_address.port}
    if "_TLS_CERTIFICATE" not in " ".join(values):
        served["grpc"] = parsed.address.port
    yield from (f"{container} serves {port} as {name}" for name, port in served.items() if ports.get(name) != port)
    needed = parsed.drain_seconds + parsed.grace_seconds
    if container.pod["terminationGracePeriodSeconds"] <= needed:
        yield f"{container} is killed before the {needed:g} s of its drain have passed"


def volumes_are_there(manifests: Manifests) -> Iterator[str]:
    claims = {
        title(each): {claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", ())}
        for each in manifests.of("StatefulSet")
    }
    maps = {each["metadata"]["name"] for each in manifests.of("ConfigMap")}
    for container in manifests.containers():
        volumes = {each["name"]: each for each in container.pod.get("volumes", ())}
        known = volumes.keys() | claims.get(container.workload, set())
        for mount in container.content.get("volumeMounts", ()):
            if mount["name"] not in known:
                yield f"{container} mounts {mount['name']}, which is no volume"
        for volume in volumes.values():
            name = volume.get("configMap", {}).get("name")
            if name is not None and name not in maps:
                yield f"{container.workload} has a volume of ConfigMap {name}, which is not there"


def images_can_be_had(manifests: Manifests) -> Iterator[str]:
    for container in manifests.containers():
        name, _, tag = container.content["image"].partition(":")
        if not tag or tag == "latest":
            yield f"{container}: {container.content['image']} has no tag that says what it is"
        if name not in UPSTREAM and name not in image_targets():
            yield f"{container}: nothing makes {name}"


@cache
def image_targets() -> frozenset[str]:
    """The images that deploy/images makes."""
    folder = ROOT / "deploy" / "images"
    targets = re.findall(r"^FROM \S+ AS (\S+)$", (folder / "Containerfile").read_text(), re.MULTILINE)
    files = [path.name.removesuffix(".Containerfile") for path in folder.glob("*.Containerfile")]
    return frozenset(f"playscore-{name}" for name in (*targets, *files))


# --- what refers to what ---


def selectors_match(manifests: Manifests) -> Iterator[str]:
    for name, workload, template in manifests.workloads():
        labels = template["metadata"]["labels"]
        if workload["kind"] != "Job" and not matches(workload["spec"]["selector"], labels):
            yield f"{name} does not select its own pods"
        for spread in template["spec"].get("topologySpreadConstraints", ()):
            if not matches(spread["labelSelector"], labels):
                yield f"{name} is spread by the labels of other pods"
    for each in manifests.of("Service"):
        found = manifests.selected({"matchLabels": each["spec"]["selector"]})
        if not found:
            yield f"{title(each)} selects no pods"
        for port in each["spec"]["ports"]:
            if any(container_ports(template).get(port["targetPort"]) != port["port"] for template in found):
                yield f"{title(each)}: its pods do not serve {port['targetPort']} at {port['port']}"
    for each in manifests.of("PodDisruptionBudget"):
        if not manifests.selected(each["spec"]["selector"]):
            yield f"{title(each)} selects no pods"
    for each in manifests.of("ServiceMonitor"):
        services = [
            service
            for service in manifests.of("Service")
            if matches(each["spec"]["selector"], service["metadata"]["labels"])
        ]
        ports = {port["name"] for service in services for port in service["spec"]["ports"]}
        yield from (
            f"{title(each)} scrapes {endpoint['port']}, which no Service has"
            for endpoint in each["spec"]["endpoints"]
            if endpoint["port"] not in ports
        )


def ports_say_their_protocol(manifests: Manifests) -> Iterator[str]:
    for container in manifests.containers():
        if any("protocol" not in port for port in container.content.get("ports", ())):
            yield f"{container} has a port without a protocol"
    for each in manifests.of("Service"):
        if any("protocol" not in port for port in each["spec"]["ports"]):
            yield f"{title(each)} has a port without a protocol"


def disruption_is_bounded(manifests: Manifests) -> Iterator[str]:
    """Whatever has several pods has a budget that keeps all but one; no budget keeps a node from being drained."""
    budgets = list(manifests.of("PodDisruptionBudget"))
    scaled = {each["spec"]["scaleTargetRef"]["name"] for each in manifests.of("HorizontalPodAutoscaler")}
    for name, workload, template in manifests.workloads():
        several = workload["metadata"]["name"] in scaled or workload["spec"].get("replicas", 1) > 1
        own = [each for each in budgets if matches(each["spec"]["selector"], template["metadata"]["labels"])]
        if several and not own:
            yield f"{name} has several pods and no budget for their disruption"
    yield from (
        f"{title(each)} must allow one pod to leave" for each in budgets if each["spec"].get("maxUnavailable") != 1
    )


# --- autoscalers ---


def autoscalers_decide(manifests: Manifests) -> Iterator[str]:
    deployments = {each["metadata"]["name"]: each for each in manifests.of("Deployment")}
    for each in manifests.of("HorizontalPodAutoscaler"):
        target = deployments.get(each["spec"]["scaleTargetRef"]["name"])
        if target is None:
            yield f"{title(each)} scales what is not there"
        elif "replicas" in target["spec"]:
            yield f"{title(target)} states replicas, which apply would set back each time"
        for metric in each["spec"]["metrics"]:
            kind = metric["type"].lower()
            name = metric[kind].get("metric", {}).get("name")
            if name is not None and name not in exported() | OF_TRITON:
                yield f"{title(each)} asks for {name}, which nobody exports"


@cache
def exported() -> frozenset[str]:
    """The metrics of services and workers, whose modules are imported here."""
    return frozenset(metric.name for metric in REGISTRY.collect())


# --- the network ---


def network_is_closed(manifests: Manifests) -> Iterator[str]:
    policies = [each["spec"] for each in manifests.of("NetworkPolicy")]
    if not any(
        spec["podSelector"] == {}
        and set(spec["policyTypes"]) == {"Ingress", "Egress"}
        and not spec.get("ingress")
        and not spec.get("egress")
        for spec in policies
    ):
        yield "nothing denies by default"


def network_opens_what_is_served(manifests: Manifests) -> Iterator[str]:
    for each in manifests.of("NetworkPolicy"):
        spec = each["spec"]
        selector = spec["podSelector"]
        chosen = manifests.selected(selector) if selector else []
        if selector and not chosen and CALLS not in selector.get("matchLabels", {}):
            yield f"{title(each)} is for pods that are not there"
        for rule in spec.get("ingress", ()):
            for port in rule["ports"]:
                if any(port["port"] not in container_ports(template).values() for template in chosen):
                    yield f"{title(each)} lets in to port {port['port']}, which is not served"
        for rule in spec.get("egress", ()):
            for peer in rule.get("to", ()):
                yield from _egress(manifests, each, chosen, rule, peer)


def _egress(
    manifests: Manifests, policy: Document, chosen: list[Document], rule: Document, peer: Document
) -> Iterator[str]:
    if "namespaceSelector" in peer:
        return
    targets = manifests.selected(peer["podSelector"])
    if not targets:
        yield f"{title(policy)} lets out to pods that are not there"
    for target in targets:
        for port in (each["port"] for each in rule["ports"]):
            if port not in container_ports(target).values():
                yield f"{title(policy)} lets out to port {port}, which is not served"
            for source in chosen:
                if not _let_in(manifests, source, target, port):
                    yield f"{title(policy)} lets out to port {port} of pods that do not let it in"


def _let_in(manifests: Manifests, source: Document, target: Document, port: int) -> bool:
    return _allowed(manifests, "ingress", target, source, port)


def _let_out(manifests: Manifests, source: Document, target: Document, port: int) -> bool:
    return _allowed(manifests, "egress", source, target, port)


def _allowed(
    manifests: Manifests, way: Literal["ingress", "egress"], own: Document, other: Document, port: int
) -> bool:
    """Whether the policies for pods of their own let them talk with other pods, this way, by a port."""
    return any(
        matches(peer["podSelector"], other["metadata"]["labels"])
        for each in manifests.of("NetworkPolicy")
        if each["spec"]["podSelector"] and matches(each["spec"]["podSelector"], own["metadata"]["labels"])
        for rule in each["spec"].get(way, ())
        if port in [opened["port"] for opened in rule["ports"]]
        for peer in rule.get(_PEERS[way], ())
        if "podSelector" in peer and "namespaceSelector" not in peer
    )


def the_way_through_is_open(manifests: Manifests) -> Iterator[str]:
    """What one calls, it may reach: by the addresses in arguments and settings."""
    services = {each["metadata"]["name"]: each for each in manifests.of("Service")}
    for name, _, template in manifests.workloads():
        for container in template["spec"]["containers"]:
            said = [*container.get("args", ()), *(each.get("value", "") for each in container.get("env", ()))]
            for host, port in re.findall(r"(?:///|//|=|^)([a-z]+):(\d+)$", "\n".join(said), re.MULTILINE):
                if host not in services:
                    yield f"{name} calls {host}, which is not there"
                    continue
                for target in manifests.selected({"matchLabels": services[host]["spec"]["selector"]}):
                    if not (
                        _let_in(manifests, template, target, int(port))
                        and _let_out(manifests, template, target, int(port))
                    ):
                        yield f"{name} may not reach {host}:{port}"


def all_is_in_one_restricted_namespace(manifests: Manifests) -> Iterator[str]:
    (namespace,) = manifests.of("Namespace")
    labels = namespace["metadata"]["labels"]
    if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
        yield "the namespace does not enforce the restricted pod security standard"
    for each in manifests.documents:
        if each is not namespace and each["metadata"].get("namespace") != namespace["metadata"]["name"]:
            yield f"{title(each)} is in no namespace or another"
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") != "playscore":
            yield f"{title(each)} does not say what it is part of"


POLICIES: Final[tuple[Policy, ...]] = (
    resources_are_limited,
    containers_are_restricted,
    probes_ask_what_is_told,
    settings_are_known,
    volumes_are_there,
    images_can_be_had,
    selectors_match,
    ports_say_their_protocol,
    disruption_is_bounded,
    autoscalers_decide,
    network_is_closed,
    network_opens_what_is_served,
    the_way_through_is_open,
    all_is_in_one_restricted_namespace,
)
