"""What the pages for operators have them type names what the manifests and the command line have."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import click
import pytest
import yaml

from playscore.cli import cli
from tests.unit.deploy.manifests import KUBERNETES, OVERLAYS, ROOT, Document, Manifests, documents, title

DOCS: Final = ROOT / "docs"
PAGES: Final = [DOCS / "operations.md", *sorted((DOCS / "runbooks").glob("*.md"))]
BLOCK: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE: Final = re.compile(r"(?<!`)`((?:kubectl|playscore) [^`\n]+)`")
GIVEN: Final = {"secret/featurizer-token-keys", "secret/broker", "secret/playscore-db-app"}
"""What an installation brings itself."""
LONG: Final = {"deploy": "deployment", "hpa": "horizontalpodautoscaler", "deployments": "deployment", "po": "pod"}
WITH_VALUE: Final = {"-n", "-l", "-o", "-p", "-f", "-c", "--namespace", "--selector", "--filename", "--kustomize"} | {
    "--tail",
    "--timeout",
    "--for",
    "--replicas",
    "--from-file",
    "--patch",
}
OF_PODS: Final = {"logs", "port-forward"}
"""Verbs whose first word is a pod where it names no kind."""


@dataclass(frozen=True)
class Shown:
    """A command of a page."""

    words: tuple[str, ...]
    whole: bool
    """It is meant to be run as it stands; otherwise it is mentioned in a sentence."""


def shown(text: str) -> Iterator[Shown]:
    for language, block in BLOCK.findall(text):
        lines = "" if language else re.sub(r"\\\n\s*", " ", block)
        for line in lines.splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
            lexer.whitespace_split = True
            for between, words in itertools.groupby(lexer, lambda word: set(word) <= set("|&;")):
                command = tuple(words)
                if not between and command[0] in {"kubectl", "playscore"}:
                    yield Shown(command, whole=True)
    for mentioned in INLINE.findall(BLOCK.sub("", text)):
        yield Shown(tuple(shlex.split(mentioned)), whole=False)


def is_placeholder(word: str) -> bool:
    return bool(re.fullmatch(r"\$?[A-Z]+", word)) or word.startswith("$")


# --- kubectl ---


@cache
def installed() -> tuple[Document, ...]:
    """What the overlays make, and the pods of tasks."""
    tasks = [each for path in (KUBERNETES / "tasks").glob("*.yaml") for each in yaml.safe_load_all(path.read_text())]
    return (*(each for overlay in OVERLAYS for each in documents(overlay)), *tasks)


@cache
def names() -> frozenset[str]:
    """All of it such as "deployment/scorer", and the pods of StatefulSets."""
    found = {title(each).lower() for each in installed()}
    replicas = {f"pod/{each['metadata']['name']}-0" for each in installed() if each["kind"] == "StatefulSet"}
    return frozenset(found | replicas | GIVEN)


@cache
def labels() -> frozenset[tuple[str, str]]:
    """The labels of pods."""
    return frozenset(
        label
        for _, _, template in Manifests(installed()).workloads()
        for label in template["metadata"]["labels"].items()
    )


def mounts(pod: str) -> set[str]:
    """The folders of volumes of a pod of a StatefulSet or a task."""
    name = pod.removesuffix("-0")
    specs = [
        each["spec"] if each["kind"] == "Pod" else each["spec"]["template"]["spec"]
        for each in installed()
        if each["kind"] in {"Pod", "StatefulSet"} and each["metadata"]["name"] == name
    ]
    return {
        mount["mountPath"] for spec in specs for each in spec["containers"] for mount in each.get("volumeMounts", ())
    }


def kubectl_faults(words: Sequence[str]) -> Iterator[str]:
    ours, inside = _divided(words[1:])
    options, arguments = _options(ours)
    for option, value in options:
        if option in {"-f", "--filename", "--kustomize"} and not (ROOT / value).exists():
            yield f"{value} is not a path of the project"
        if option in {"-l", "--selector"}:
            key, _, wanted = value.partition("=")
            if not is_placeholder(wanted) and (key, wanted) not in labels():
                yield f"no pod has the label {value}"
    if any(
        value not in {"playscore", "cert-manager", "nats"} for name, value in options if name in {"-n", "--namespace"}
    ):
        yield "an unknown namespace"
    elsewhere = any(name in {"-n", "--namespace"} and value != "playscore" for name, value in options)
    if elsewhere or not arguments or arguments[0] == "create":
        return
    verb, *named = arguments
    if verb == "cp":
        for pod, _, path in (each.partition(":") for each in named if ":" in each):
            yield from _in_pod(pod, [path])
        return
    if verb == "rollout":
        named = named[1:]
    if verb == "exec":
        yield from _in_pod(named[0], inside)
    elif verb == "set" and len(named) > 1:
        yield from _targets(verb, named[1:2])
        yield from _images(named[1], named[2:] if named[0] == "image" else ())
    else:
        yield from _targets(verb, named)


def _divided(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """What is kubectl's, and what it runs in a pod."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _options(words: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    options, arguments = [], []
    waiting = iter(words)
    for word in waiting:
        if not word.startswith("-"):
            arguments.append(word)
        elif "=" in word and word.startswith("--"):
            name, _, value = word.partition("=")
            options.append((name, value))
        else:
            options.append((word, next(waiting) if word in WITH_VALUE else ""))
    return options, arguments


def _targets(verb: str, named: Sequence[str]) -> Iterator[str]:
    """Faults of `kind/name…`, `kind name…`, or of the pod of verbs that take one."""
    if not named:
        return
    if "/" in named[0]:
        targets = [word for word in named if "/" in word]
    elif verb in OF_PODS:
        targets = [f"pod/{named[0]}"]
    else:
        targets = [f"{named[0]}/{name}" for name in named[1:]]
    for target in targets:
        kind, _, name = target.partition("/")
        if not is_placeholder(kind) and not is_placeholder(name) and f"{LONG.get(kind, kind)}/{name}" not in names():
            yield f"{target} is not there"


def _images(workload: str, assigned: Sequence[str]) -> Iterator[str]:
    """Faults of `container=image:tag`: it is to be another tag of what the container has."""
    pods = [each["spec"]["template"]["spec"] for each in installed() if title(each).lower() == workload]
    images = {
        (each["name"], each["image"].partition(":")[0])
        for pod in pods
        for each in (*pod.get("initContainers", ()), *pod["containers"])
    }
    for container, _, image in (each.partition("=") for each in assigned):
        if (container, image.partition(":")[0]) not in images:
            yield f"{workload} has no container {container} with an image {image}"


def _in_pod(pod: str, words: Sequence[str]) -> Iterator[str]:
    if is_placeholder(pod):
        return
    if f"pod/{pod}" not in names():
        yield f"pod {pod} is not there"
        return
    for path in (word for word in words if word.startswith("/")):
        if not any(path == folder or path.startswith(f"{folder}/") for folder in mounts(pod)):
            yield f"{pod} mounts nothing where {path} would be"
    if words and words[0] == "playscore":
        yield from playscore_faults(words, whole=True)


# --- playscore ---


def playscore_faults(words: Sequence[str], *, whole: bool) -> Iterator[str]:
    command: click.Command = cli
    arguments = list(words[1:])
    context = click.Context(cli)
    try:
        while isinstance(command, click.Group):
            name, found, arguments = command.resolve_command(context, arguments)
            assert found is not None
            command = found
            context = click.Context(command, info_name=name, parent=context)
            if not arguments:
                break
        if not isinstance(command, click.Group):
            command.parse_args(context, arguments)
    except (click.MissingParameter, click.BadOptionUsage) as missing:
        if whole:
            yield missing.format_message()
    except click.BadParameter as wrong:
        if wrong.param is None or not isinstance(wrong.param.type, click.Path):  # files are the reader's
            yield wrong.format_message()
    except click.UsageError as wrong:
        yield wrong.format_message()


# --- log lines ---


@cache
def sources() -> str:
    rooms = ("servicekit", "featurizer", "scorer", "aggregator", "pipeline", "playscore")
    return "\n".join(path.read_text() for room in rooms for path in sorted((ROOT / room).rglob("*.py")))


def faults(page: Path) -> list[str]:
    text = page.read_text()
    found = [
        f"{shlex.join(each.words)}: {fault}"
        for each in shown(text)
        for fault in (
            kubectl_faults(each.words) if each.words[0] == "kubectl" else playscore_faults(each.words, whole=each.whole)
        )
    ]
    for pattern in re.findall(r"\| grep (?:-\w+ )?'([^']+)'", text):
        if "level" not in pattern:
            found += [f"{phrase} is logged by nobody" for phrase in pattern.split("|") if phrase not in sources()]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_name_what_there_is(page: Path) -> None:
    assert faults(page) == []


@pytest.mark.parametrize(
    "line",
    [
        "kubectl -n playscore exec aggregator-1 -- df -h /var/lib/playscore",
        "kubectl -n playscore exec aggregator-0 -- df -h /var/lib/scores",
        "kubectl -n playscore cp store:/srv/backup.sqlite backup.sqlite",
        "kubectl -n playscore exec aggregator-0 -- playscore store save",
        "kubectl -n playscore describe deployment/score",
        "kubectl -n playscore rollout undo deployment score",
        "kubectl -n playscore logs -l app.kubernetes.io/name=score",
        "kubectl -n score get pods",
        "kubectl apply --filename deploy/kubernetes/base/names.yaml",
        "kubectl -n playscore logs NAME | grep 'nobody says this'",
        "playscore feed again",
        "playscore feed status --broken",
    ],
)
def test_what_there_is_not_is_found(line: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```\n{line}\n```\n")
    assert len(faults(page)) == 1
