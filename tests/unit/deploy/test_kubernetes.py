"""The overlays hold what they must, and each policy can fail."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Final

import kubernetes_validate
import pytest

from tests.unit.deploy import policies
from tests.unit.deploy.manifests import NAME, OVERLAYS, Document, Manifests, documents, title
from tests.unit.deploy.policies import POLICIES, Policy

OLDEST: Final = "1.29"
NEWEST: Final = "1.37"
"""The versions of Kubernetes that docs/operations.md names."""
CUSTOM: Final = {"ServiceMonitor"}
"""Kinds that Kubernetes itself has no schema of."""


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_fits_the_schemas(overlay: str, version: str) -> None:
    for each in documents(overlay):
        if each["kind"] not in CUSTOM:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_keeps_the_policies(overlay: str, policy: Policy) -> None:
    assert list(policy(Manifests(documents(overlay)))) == []


def one(found: list[Document], name: str) -> Any:
    (document,) = [each for each in found if title(each) == name]
    return document


def pod(found: list[Document], name: str) -> Any:
    return one(found, name)["spec"]["template"]["spec"]


def container(found: list[Document], name: str) -> Any:
    return pod(found, name)["containers"][0]


def without(found: list[Document], name: str) -> None:
    found.remove(one(found, name))


SCORER: Final = "Deployment/scorer"
TRITON: Final = "Deployment/triton"

FAULTS: Final[list[tuple[str, Policy, Callable[[list[Document]], object]]]] = [
    ("no limit", policies.resources_are_limited, lambda d: container(d, SCORER)["resources"].pop("limits")),
    (
        "a limit below what was measured",
        policies.resources_are_limited,
        lambda d: container(d, SCORER)["resources"]["limits"].update(memory="512Mi"),
    ),
    (
        "a GPU as a number",
        policies.resources_are_limited,
        lambda d: container(d, TRITON)["resources"]["limits"].update({"nvidia.com/gpu": 1}),
    ),
    (
        "an init container without requests",
        policies.resources_are_limited,
        lambda d: pod(d, TRITON)["initContainers"][0].pop("resources"),
    ),
    ("root", policies.containers_are_restricted, lambda d: pod(d, SCORER)["securityContext"].update(runAsUser=0)),
    (
        "a root that can be written",
        policies.containers_are_restricted,
        lambda d: container(d, SCORER)["securityContext"].pop("readOnlyRootFilesystem"),
    ),
    (
        "capabilities",
        policies.containers_are_restricted,
        lambda d: container(d, SCORER)["securityContext"]["capabilities"].update(add=["NET_RAW"]),
    ),
    (
        "a token",
        policies.containers_are_restricted,
        lambda d: pod(d, SCORER).update(automountServiceAccountToken=True),
    ),
    ("no startup probe", policies.probes_ask_what_is_told, lambda d: container(d, SCORER).pop("startupProbe")),
    (
        "liveness that depends on Triton",
        policies.probes_ask_what_is_told,
        lambda d: container(d, SCORER)["livenessProbe"]["grpc"].update(service=""),
    ),
    (
        "readiness of a name that nobody tells",
        policies.probes_ask_what_is_told,
        lambda d: container(d, SCORER)["readinessProbe"]["grpc"].update(service="scorer"),
    ),
    (
        "a probe of the port with TLS",
        policies.probes_ask_what_is_told,
        lambda d: container(d, SCORER)["readinessProbe"]["grpc"].update(port=50052),
    ),
    (
        "a setting that is not there",
        policies.settings_are_known,
        lambda d: container(d, SCORER)["env"].append({"name": "PLAYSCORE_SCORER_TRITON", "value": "x"}),
    ),
    (
        "another service's setting",
        policies.settings_are_known,
        lambda d: container(d, SCORER)["env"].append({"name": "PLAYSCORE_FEATURIZER_LISTEN", "value": "0.0.0.0:1"}),
    ),
    (
        "a value that is refused",
        policies.settings_are_known,
        lambda d: container(d, SCORER)["env"].append({"name": "PLAYSCORE_SCORER_GRACE_SECONDS", "value": "-1"}),
    ),
    (
        "metrics at another port",
        policies.settings_are_known,
        lambda d: container(d, SCORER)["ports"][2].update(containerPort=9101),
    ),
    (
        "a kill in the middle of the drain",
        policies.settings_are_known,
        lambda d: pod(d, SCORER).update(terminationGracePeriodSeconds=10),
    ),
    (
        "an option that the worker does not have",
        policies.settings_are_known,
        lambda d: container(d, "Deployment/worker")["args"].append("--speed=4"),
    ),
    (
        "a mount without a volume",
        policies.volumes_are_there,
        lambda d: pod(d, "Deployment/featurizer").pop("volumes"),
    ),
    ("a configuration that is not there", policies.volumes_are_there, lambda d: without(d, "ConfigMap/callers")),
    ("an image that nothing makes", policies.images_can_be_had, lambda d: container(d, SCORER).update(image="score:1")),
    (
        "an image of whatever is newest",
        policies.images_can_be_had,
        lambda d: container(d, SCORER).update(image="playscore-scorer:latest"),
    ),
    (
        "a Service of nothing",
        policies.selectors_match,
        lambda d: one(d, "Service/scorer")["spec"]["selector"].update({NAME: "score"}),
    ),
    (
        "a Service's port that is not served",
        policies.selectors_match,
        lambda d: one(d, "Service/scorer")["spec"]["ports"][0].update(targetPort="http"),
    ),
    (
        "a budget of nothing",
        policies.selectors_match,
        lambda d: one(d, "PodDisruptionBudget/scorer")["spec"]["selector"]["matchLabels"].update(tier="x"),
    ),
    (
        "a monitor of a port that no Service has",
        policies.selectors_match,
        lambda d: one(d, "ServiceMonitor/scorer")["spec"]["endpoints"][0].update(port="http"),
    ),
    (
        "pods spread by others' labels",
        policies.selectors_match,
        lambda d: pod(d, SCORER)["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"].update(tier="x"),
    ),
    (
        "a port without a protocol",
        policies.ports_say_their_protocol,
        lambda d: container(d, SCORER)["ports"][0].pop("protocol"),
    ),
    ("no budget", policies.disruption_is_bounded, lambda d: without(d, "PodDisruptionBudget/aggregator")),
    (
        "a budget that lets nobody leave",
        policies.disruption_is_bounded,
        lambda d: one(d, "PodDisruptionBudget/scorer")["spec"].update(maxUnavailable=0),
    ),
    (
        "an autoscaler of nothing",
        policies.autoscalers_decide,
        lambda d: one(d, "HorizontalPodAutoscaler/scorer")["spec"]["scaleTargetRef"].update(name="score"),
    ),
    (
        "replicas beside an autoscaler",
        policies.autoscalers_decide,
        lambda d: one(d, SCORER)["spec"].update(replicas=2),
    ),
    (
        "a metric that nobody exports",
        policies.autoscalers_decide,
        lambda d: one(d, "HorizontalPodAutoscaler/scorer")["spec"]["metrics"][1]["pods"]["metric"].update(name="plays"),
    ),
    ("an open network", policies.network_is_closed, lambda d: without(d, "NetworkPolicy/default-deny")),
    (
        "a door that leads nowhere",
        policies.network_opens_what_is_served,
        lambda d: one(d, "NetworkPolicy/scorer")["spec"]["ingress"][0]["ports"][0].update(port=50053),
    ),
    (
        "a way out to a port that is not served",
        policies.network_opens_what_is_served,
        lambda d: one(d, "NetworkPolicy/scorer")["spec"]["egress"][0]["ports"][0].update(port=8003),
    ),
    (
        "a policy for pods that are not there",
        policies.network_opens_what_is_served,
        lambda d: one(d, "NetworkPolicy/scorer")["spec"]["podSelector"]["matchLabels"].update(tier="x"),
    ),
    ("a closed door", policies.the_way_through_is_open, lambda d: without(d, "NetworkPolicy/triton")),
    (
        "a call of what is not there",
        policies.the_way_through_is_open,
        lambda d: container(d, "Deployment/worker")["args"].__setitem__(1, "--featurizer=dns:///features:50051"),
    ),
    (
        "a namespace that admits everything",
        policies.all_is_in_one_restricted_namespace,
        lambda d: one(d, "Namespace/playscore")["metadata"]["labels"].pop("pod-security.kubernetes.io/enforce"),
    ),
    (
        "another namespace",
        policies.all_is_in_one_restricted_namespace,
        lambda d: one(d, SCORER)["metadata"].update(namespace="default"),
    ),
]


@pytest.mark.parametrize(("policy", "plant"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_found(policy: Policy, plant: Callable[[list[Document]], object]) -> None:
    found = documents("production")
    plant(found)
    assert list(policy(Manifests(found))) != []


def test_every_policy_has_failed() -> None:
    assert {policy for _, policy, _ in FAULTS} == set(POLICIES)


@pytest.mark.parametrize(
    "plant",
    [
        lambda d: container(d, SCORER).update(resource={}),
        lambda d: container(d, SCORER)["ports"][0].update(containerPort="50052"),
    ],
    ids=["an unknown field", "a wrong type"],
)
def test_schemas_find_what_they_can(plant: Callable[[list[Document]], object]) -> None:
    found = documents("production")
    plant(found)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(one(found, SCORER), NEWEST, strict=True)
