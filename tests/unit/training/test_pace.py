"""An epoch takes about as long as a few timed steps say."""

import pytest

from tests.unit.training.test_loop import new_task, problem, settings
from workflow.lib.training.loop import train
from workflow.lib.training.pace import epoch_s


@pytest.mark.parametrize("network", ["eulernet", "sequencenet"])
def test_an_epoch_takes_as_long_as_its_first_steps_say(network, tmp_path):
    """Within a factor of three, as other processes share these cores."""
    architecture = {} if network == "eulernet" else {"layers": 1, "width": 32}
    own = {"rolls_per_epoch": 3}
    task = new_task(network)
    _, history = train(task, problem(task, 960), settings(**own), tmp_path / "checkpoint.pt")
    loop = {key: value for key, value in vars(settings(**own)).items() if key != "seed"}
    model = {"network": network, "architecture": architecture, "training": loop}
    told = min(epoch_s(model, 960, 32, 0.3) for _ in range(2))
    assert history["train_s"].min() / 3 < told < history["train_s"].min() * 3
