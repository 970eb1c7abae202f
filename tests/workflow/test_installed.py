"""What fills the virtual environment, and with what: uv or pip, for the demo or for tests."""

import os
import sys
from pathlib import Path

import pytest

from tests.workflow.linked_wheel import checkout, make
from tests.workflow.own_data import said

UV = Path(sys.prefix) / "bin/uv"


@pytest.fixture
def place(tmp_path) -> Path:
    return checkout(tmp_path / "place")


def on_the_path(uv: Path, folder: Path) -> str:
    """A PATH on which `uv` is, and before it no other."""
    (folder / "bin").mkdir()
    (folder / "bin/uv").symlink_to(uv)
    return f"{folder / 'bin'}:{os.environ['PATH']}"


def installer(place: Path, name: str = "linked-1") -> str:
    (file,) = place.glob(f".venv/lib/python*/site-packages/{name}.dist-info/INSTALLER")
    return file.read_text().strip()


def test_uv_installs_where_it_is_from_where_pip_is_told(place, tmp_path):
    (place / "requirements.txt").write_text("linked==1\n")
    told = {"PIP_FIND_LINKS": str(tmp_path), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    done = make(place, PATH=on_the_path(UV, tmp_path), UV_CACHE_DIR=str(tmp_path / "uv"), **told)
    assert (done.returncode, said(done)) == (0, "")
    assert installer(place) == "uv"
    done = make(place)
    assert (done.returncode, said(done)) == (0, "")


def test_pip_installs_where_it_is_told_what_uv_can_not_be(place, tmp_path):
    (tmp_path / "pip.conf").write_text("[install]\nno-deps = true\n")
    told = {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    done = make(place, PATH=on_the_path(UV, tmp_path), **told)
    assert (done.returncode, said(done)) == (0, "")
    assert installer(place) == "pip"


def test_pip_installs_where_uv_fails_and_that_is_told(place, tmp_path):
    done = make(place, PATH=on_the_path(Path("/bin/false"), tmp_path), PIP_CONFIG_FILE=os.devnull)
    assert (done.returncode, said(done)) == (0, "uv did not install the packages: pip does\n")
    assert installer(place) == "pip"


def test_what_tests_need_is_added_for_them_and_stays(place):
    stamp = place / ".venv/.installed"
    (place / "requirements-dev.txt").write_text("--no-index\nno-such-package\n")
    done = make(place)
    assert (done.returncode, said(done)) == (0, "")
    done = make(place, target="tools")
    assert done.returncode == 2
    assert "no-such-package" in said(done)
    assert not stamp.exists()
    (place / "requirements-dev.txt").write_text("linked\n")
    done = make(place, target="tools")
    assert (done.returncode, said(done)) == (0, "")
    before = stamp.stat().st_mtime_ns
    assert make(place).returncode == make(place, target="tools").returncode == 0
    assert stamp.stat().st_mtime_ns == before
