"""Memory that a step needs again is not fetched from the system again."""

import platform
import subprocess
import sys

import pytest

COUNT = """
import resource, torch
from workflow.lib.cpu import use_cpu
use_cpu(1)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def allocate():
    return [torch.ones(2_000_000) for _ in range(5)]
for _ in range(3):
    allocate()
before = faults()
for _ in range(10):
    allocate()
print(faults() - before, torch.get_num_threads())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc is tuned in glibc only")
def test_freed_memory_is_used_again():
    """400 MB are allocated and freed: 100,000 pages of 4 kB, were they fetched anew."""
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    page_faults, threads = map(int, done.stdout.split())
    assert page_faults < 5000
    assert threads == 1
