"""Small and read-only disks for one process and its children, gone when they are."""

import shutil
import subprocess
from collections.abc import Sequence


def _find_unshare() -> list[str]:
    """A command that gives a process mounts of its own; empty where that is not allowed."""
    # root needs no user namespace, and others may be refused one
    for command in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        mount = [*command, "mount", "-t", "tmpfs", "tmpfs", "/tmp"]
        if shutil.which("unshare") and subprocess.run(mount, capture_output=True).returncode == 0:
            return command
    return []


UNSHARE = _find_unshare()


def with_mounts(script: str, command: Sequence[str]) -> list[str]:
    """A command that runs the shell script, which mounts something, and then `command`."""
    return [*UNSHARE, "sh", "-c", f'set -e; {script}; exec "$@"', "sh", *command]
