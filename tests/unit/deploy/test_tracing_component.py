"""The component that turns traces on fits every overlay, and keeps its policies."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.unit.deploy.manifests import KUBERNETES, OVERLAYS, Manifests
from tests.unit.deploy.policies import POLICIES


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_with_traces_keeps_the_policies(overlay: str, tmp_path: Path) -> None:
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    file = tmp_path / "kubernetes" / "overlays" / overlay / "kustomization.yaml"
    customized = yaml.safe_load(file.read_text())
    customized["components"].append("../../components/tracing")
    file.write_text(yaml.safe_dump(customized))
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", file.parent], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    documents = [*yaml.load_all(done.stdout, yaml.CSafeLoader)]
    manifests = Manifests(documents)
    assert [fault for policy in POLICIES for fault in policy(manifests)] == []
    told = {
        container.name
        for container in manifests.containers()
        if any(each["name"].endswith("OTLP_ENDPOINT") for each in container.content.get("env", ()))
    }
    assert told == {"featurizer", "scorer", "aggregator", "worker"}
