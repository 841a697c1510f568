"""What pyproject.toml cannot say: the wheel carries the contracts beside the code that is generated from them."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PROTOS = Path("protos")


class BuildWithContracts(build_py):
    """Also copies `protos/playscore/**.proto`, so that `protoc -I site-packages` finds them."""

    def run(self) -> None:
        """Builds the packages, then adds the contracts."""
        super().run()
        if self.editable_mode:
            return
        for proto in sorted(PROTOS.rglob("*.proto")):
            target = Path(self.build_lib, proto.relative_to(PROTOS))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(proto, target)


setup(cmdclass={"build_py": BuildWithContracts})
