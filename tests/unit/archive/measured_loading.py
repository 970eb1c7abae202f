"""Load files in a fresh process that watches time, memory, and whether anything is run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]

# Reports, as JSON: outcome and seconds of processor time per file, the peak of memory (VmHWM,
# because ru_maxrss is inherited from the parent), and audit events that would mean that
# something was run.
MEASURE = """
import json, sys, time
from pathlib import Path
from workflow.lib.archive.specimen import validate_specimen
from workflow.lib.runtime.files import InputError
from workflow.lib.archive.npy.load import load_dict, open_array

def load(path):
    try:
        content = load_dict(path)
        validate_specimen(content["xtr"], content["ytr"], path)
        return "accepted"
    except InputError:
        pass
    try:
        open_array(path)
    except InputError:
        return "refused"
    return "accepted"

folder, honest = map(Path, sys.argv[1:])
for path in honest.iterdir():  # Python's codecs, imported at first use, are imported now
    assert load(path) == "accepted", path
paths = sorted(folder.iterdir())  # now, because it is an event itself
reading = {"open", "mmap.__new__", "object.__getattr__", "sys._getframe"}
events = set()
sys.addaudithook(lambda event, arguments: event in reading or events.add(event))
seconds, outcomes = {}, {}
for path in paths:
    started = time.process_time()
    outcomes[path.stem] = load(path)
    seconds[path.stem] = time.process_time() - started
status = Path("/proc/self/status").read_text()
peak_mb = int(status.split("VmHWM:")[1].split()[0]) / 1024
report = {"outcomes": outcomes, "seconds": seconds, "peak_mb": peak_mb, "events": sorted(events)}
print(json.dumps(report))
"""


def measure(files: dict[str, bytes], honest: dict[str, bytes], folder: Path) -> dict[str, Any]:
    """What loading `files` takes, after `honest` ones; all are written below `folder`."""
    for name, contents in (("files", files), ("honest", honest)):
        (folder / name).mkdir()
        for stem, content in contents.items():
            (folder / name / f"{stem}.npy").write_bytes(content)
    child = subprocess.run(
        [sys.executable, "-c", MEASURE, folder / "files", folder / "honest"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout)
