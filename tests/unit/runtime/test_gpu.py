"""A GPU that is asked for and not there is told before the first job; on a GPU, nothing is."""

import shlex
import shutil
import sys
from pathlib import Path

import pytest
import torch

from workflow.lib.runtime import gpu
from workflow.lib.runtime.devices import choose_device
from workflow.lib.runtime.files import InputError

CPU_ONLY = {"device": "auto", "prediction_device": "cpu"}


@pytest.mark.parametrize("own_environments", [True, False])
def test_whoever_asks_for_none_is_not_bothered(own_environments):
    gpu.check_gpu(CPU_ONLY, own_environments)


def test_hidden_gpus_are_told_apart(monkeypatch):
    monkeypatch.setattr(gpu, "DRIVERS", [gpu.Path("/")])  # a driver that is there
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpu.why_no_gpu() is None
    for value in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
        assert "CUDA_VISIBLE_DEVICES" in gpu.why_no_gpu()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert gpu.why_no_gpu() is None


if not torch.cuda.is_available():

    @pytest.mark.parametrize("key", ["device", "prediction_device"])
    def test_the_key_and_the_reason_are_named(key):
        with pytest.raises(InputError, match=rf"^config key {key}: found 'cuda', but PyTorch 2"):
            gpu.check_gpu(CPU_ONLY | {key: "cuda"}, own_environments=False)

    def test_torch_is_asked_by_a_python_whose_path_was_quoted(tmp_path, monkeypatch):
        """As it is in the process that runs Snakemake."""
        expected = gpu.why_torch_has_none()
        place = tmp_path / "a b"
        place.mkdir()
        for name in ("bin", "lib"):
            (place / name).symlink_to(Path(sys.prefix) / name)
        if (Path(sys.prefix) / "pyvenv.cfg").exists():
            shutil.copy2(Path(sys.prefix) / "pyvenv.cfg", place)
        monkeypatch.setattr(sys, "executable", shlex.quote(f"{place}/bin/python"))
        assert gpu.why_torch_has_none() == expected

    def test_a_job_that_gets_no_gpu_says_so_in_a_line():
        with pytest.raises(InputError, match=r"PyTorch .* set it to auto or cpu"):
            choose_device("cuda")
        assert choose_device("auto").type == "cpu"

    if sys.platform == "linux" and not any(driver.exists() for driver in gpu.DRIVERS):

        def test_where_rules_have_their_own_pytorch_the_driver_is_looked_for():
            with pytest.raises(InputError, match="there is no driver of one"):
                gpu.check_gpu(CPU_ONLY | {"device": "cuda"}, own_environments=True)
