"""A wheel through which a virtual environment sees the packages of the one that runs the tests."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

from tests.workflow.conftest import ROOT, copy_project

METADATA = "Metadata-Version: 2.1\nName: linked\nVersion: 1\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def requirements_of_a_linked_wheel(folder: Path) -> str:
    """Write the wheel into `folder`; the text of a requirements.txt that installs it, offline."""
    wheel = folder / "linked-1-py3-none-any.whl"
    files = {
        "linked.pth": sysconfig.get_path("purelib") + "\n",
        "linked-1.dist-info/METADATA": METADATA,
        "linked-1.dist-info/WHEEL": WHEEL,
    }
    record = "".join(f"{name},,\n" for name in [*files, "linked-1.dist-info/RECORD"])
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, "linked-1.dist-info/RECORD": record}.items():
            archive.writestr(name, text)
    return f"linked @ {wheel.as_uri()}\n"


def checkout(folder: Path) -> Path:
    """A checkout whose requirements are this Python's packages, so that no network is needed."""
    copy_project(folder)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder / name)
    (folder / "requirements.txt").write_text(requirements_of_a_linked_wheel(folder.parent))
    return folder


def make(folder: Path, python: object = sys.executable, target="installed", **variables: str):
    return subprocess.run(
        ["make", "--no-print-directory", target, f"PYTHON={python}"],  # as below `make test`
        cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
