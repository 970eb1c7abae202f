"""Files that a person would take for sets are told from sets, and from all other files."""

import pytest

from workflow.lib.archive.names import looks_like_a_scan, looks_like_a_set

OVERLOOKED = """
training_sets/3.npy
training_sets/003.npy
training_sets/100.npy
training_sets/specimen_03.npy
training_sets/03.NPY
training_sets/03.npz
training_sets/03.mat
training_sets/03.h5
training_sets/03.csv
training_sets/03.pkl
training_sets/03
training_sets/03 (1).npy
training_sets/03 .npy
training_sets/03.npy (1)
training_sets/03 - Copy.npy
training_sets/03_copy.npy
training_sets/03.npy.zip
training_sets/03.npy.gz
training_sets/all.npy
training_sets/sub/01.npy
training_sets (1)/01.npy
training_sets_v2/01.npy
Training_Sets/01.npy
TRAINING_SETS/01.npy
TrainingSets/01.npy
Training sets/01.npy
trainingsets/01.npy
training-sets/01.npy
training_set/01.npy
training/01.npy
train/01.npy
eval_sets/01.npy
evaluation/01.npy
eval/specimen_03.mat
test_sets/01.npy
validation/01.npy
data/deep/train/01.npy
01_training.npy
train_03.npz
evaluation_set_3.npy
training_sets.npy
training_sets.zip
training_sets/٠١.npy
"""

OTHERS = """
training_sets/01.npy
data/evaluation_sets/99.npy
training_sets/notes.txt
training_sets/README.md
training_sets/preview.png
training_sets/log.csv
training_sets/.DS_Store
training_sets/._3.npy
training_sets/Thumbs.db
training_sets/3.npy.part
training_sets/3.npy.part.json
training_sets/3.npy.crdownload
training_sets/3.npy.tmp
training_sets/3.npy.bak
training_sets/3.npy~
training_sets/3.npy.sha256
.part-12-data.folder/training_sets/3.npy
__MACOSX/data/training_sets/3.npy
trained_models/eulernet.h5
trained_models/training_sets/3.npy
samples/03/drm_data.npy
anomaly_specimen.npy
SIMULATED.json
01.npy
latest/01.npy
contest/01.npy
trained/01.npy
results/models/train_loss.npy
data/test plan.npy
"""


@pytest.mark.parametrize("path", OVERLOOKED.strip().splitlines())
def test_what_a_person_would_take_for_a_set_is_seen(path):
    assert looks_like_a_set(path)
    assert looks_like_a_set(f"a/b c/{path}")


@pytest.mark.parametrize("path", OTHERS.strip().splitlines())
def test_sets_and_all_other_files_are_left_alone(path):
    assert not looks_like_a_set(path)
    assert not looks_like_a_set(f"a/b c/{path}")


@pytest.mark.parametrize(
    "path",
    [
        "samples/03/drm_data.npy",
        "samples/08/eulers.npy",
        "samples/08/Eulers.npz",
        "samples/08/drm-data (1).npy",
        "anomaly_specimen.npy",
        "Anomaly specimen 2.mat",
    ],
)
def test_scans_are_seen_by_their_names(path):
    assert looks_like_a_scan(path)


@pytest.mark.parametrize(
    "path",
    [
        "training_sets/01.npy",
        "drm_data.txt",
        "samples/08/._drm_data.npy",
        "__MACOSX/drm_data.npy",
        "trained_models/eulernet.h5",
        "eulernet.h5",
        "drm_data/readme.md",
        "anomaly.png",
    ],
)
def test_other_files_are_no_scans(path):
    assert not looks_like_a_scan(path)
