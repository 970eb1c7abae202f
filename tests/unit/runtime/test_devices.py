"""Memory that a step needs again is not fetched from the system again."""

import platform
import subprocess
import sys

COUNT = """
import resource, torch
from workflow.lib.runtime.devices import use_cpu
use_cpu(1)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def allocate():
    return [torch.ones(7_000_000) for _ in range(4)]
for _ in range(3):
    allocate()
before = faults()
for _ in range(10):
    allocate()
print(faults() - before, torch.get_num_threads())
"""


def test_threads_are_set_and_freed_memory_is_used_again():
    """1.1 GB are allocated and freed; left alone, glibc fetches tens of thousands of pages anew."""
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    page_faults, threads = map(int, done.stdout.split())
    assert threads == 1
    if platform.libc_ver()[0] == "glibc":  # no other C library is told to keep memory
        assert page_faults < 5000
