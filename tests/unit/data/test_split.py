"""split.py: folds never mix specimens, and the validation part is the same in every fold."""

import h5py
import numpy as np
import pytest

from workflow.lib.data.dataset import CONVENTION, read_attributes
from workflow.lib.data.split import read_fold, split
from workflow.lib.runtime.files import InputError
from workflow.scripts import split as script

SIZES = {"01": 40, "02": 7, "03": 2, "10": 101}


@pytest.fixture
def dataset(tmp_path):
    """A dataset whose signals say which one they are: set, specimen and number."""
    path = tmp_path / "dataset.h5"
    with h5py.File(path, "w") as file:
        for set_id, kind in enumerate(("training", "evaluation")):
            for name, n in SIZES.items():
                signals = np.zeros((n, 6, 72), np.uint8)
                signals[:, 0, :3] = [[set_id, int(name), i] for i in range(n)]
                file[f"{kind}/{name}/signals"] = signals
                orientation = np.zeros((n, 4))
                orientation[:, 0] = np.arange(n) + 1000 * int(name) + 100_000 * set_id
                file[f"{kind}/{name}/orientation"] = orientation
        file.attrs.update(source="test", sha256="ab", convention=CONVENTION, simulated=True)
    return path


def make(dataset, fold, share=0.2, seed=5):
    output = dataset.parent / "folds" / f"{fold}.h5"
    split(dataset, fold, share, seed, output)
    return read_fold(output)


def identities(signals) -> set[tuple[int, ...]]:
    return {tuple(row) for row in signals.signals[:, 0, :3].tolist()}


@pytest.mark.parametrize("fold", [1, 2, 3, 10])
def test_parts_are_disjoint_and_complete(fold, dataset):
    parts = make(dataset, fold)
    train, validation, test = (identities(parts[p]) for p in ("train", "validation", "test"))
    others = {(0, int(name), i) for name, n in SIZES.items() if int(name) != fold for i in range(n)}
    assert train | validation == others
    assert not train & validation
    assert test == {(1, fold, i) for i in range(SIZES[f"{fold:02d}"])}


def test_everything_about_a_signal_stays_together(dataset):
    for name, part in make(dataset, 1).items():
        set_id, specimen, number = part.signals[:, 0, :3].T.astype(int)
        assert (set_id == (name == "test")).all()
        np.testing.assert_array_equal(part.specimen, specimen)
        expected = number + 1000 * specimen + 100_000 * set_id
        np.testing.assert_array_equal(part.orientation[:, 0], expected)
        assert part.signals.dtype == part.specimen.dtype == np.uint8
        assert part.orientation.dtype == np.float64
        assert len(part) == len(number)


def test_the_share_holds_in_each_specimen(dataset):
    validation = make(dataset, 2, share=0.2)["validation"]
    counts = dict(zip(*np.unique(validation.specimen, return_counts=True), strict=True))
    assert counts == {1: 8, 3: 1, 10: 20}
    for share in (0.001, 0.999):  # at least one signal on either side
        parts = make(dataset, 1, share=share)
        for part in ("train", "validation"):
            assert set(parts[part].specimen) == {2, 3, 10}


def test_folds_draw_the_same_validation_signals_from_a_specimen(dataset):
    first, second = (identities(make(dataset, fold)["validation"]) for fold in (1, 2))
    for specimen in (3, 10):
        assert {i for i in first if i[1] == specimen} == {i for i in second if i[1] == specimen}


def test_specimens_draw_independently(tmp_path):
    """Two specimens of one size do not give the same positions."""
    path = tmp_path / "dataset.h5"
    with h5py.File(path, "w") as file:
        for name in ("01", "02", "03"):
            for kind in ("training", "evaluation"):
                signals = np.zeros((50, 6, 72), np.uint8)
                signals[:, 0, 2] = np.arange(50)
                file[f"{kind}/{name}/signals"] = signals
                file[f"{kind}/{name}/orientation"] = np.zeros((50, 4))
        file.attrs.update(source="test", sha256="ab", convention=CONVENTION, simulated=True)
    validation = make(path, 1)["validation"]
    drawn = [set(validation.signals[validation.specimen == k, 0, 2]) for k in (2, 3)]
    assert len(drawn[0]) == len(drawn[1]) == 10
    assert drawn[0] != drawn[1]


def test_the_seed_decides_what_is_drawn(dataset):
    draws = [identities(make(dataset, 1, seed=seed)["validation"]) for seed in (5, 5, 6)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_the_same_split_gives_the_same_bytes_and_attributes(dataset, tmp_path):
    outputs = [tmp_path / "a.h5", tmp_path / "b.h5"]
    for output in outputs:
        script.main(dataset, output, "2", 0.25, 7)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert read_attributes(outputs[0]) == read_attributes(dataset) | {
        "fold": 2,
        "validation_share": 0.25,
        "validation_seed": 7,
    }


def test_only_the_asked_parts_are_read(dataset):
    make(dataset, 1)
    path = dataset.parent / "folds" / "1.h5"
    with h5py.File(path, "r+") as file:
        del file["test"]
    assert list(read_fold(path, ("validation", "train"))) == ["validation", "train"]
    with pytest.raises(InputError, match=r"1\.h5: / lacks 'test'; it holds train, validation"):
        read_fold(path)


@pytest.mark.parametrize(
    ("fold", "share", "message"),
    [
        (4, 0.2, r"fold 4 tests on specimen 04, but .* 4 specimens \(01, 02, 03, 10\)"),
        (0, 0.2, "fold 0 tests on specimen 00"),
        (1, 0.0, "validation_share is 0.0, expected between 0 and 1"),
        (1, 1.0, "validation_share is 1.0"),
        (1, float("nan"), "validation_share is nan"),
    ],
)
def test_impossible_folds_are_named(fold, share, message, dataset):
    with pytest.raises(InputError, match=message):
        make(dataset, fold, share)
    assert not (dataset.parent / "folds").exists()


def test_datasets_that_cannot_be_split_are_named(dataset):
    def lacking(*names):
        with h5py.File(dataset, "r+") as file:
            for name in names:
                del file[name]

    with h5py.File(dataset, "r+") as file:
        del file["training/03/signals"], file["training/03/orientation"]
        file["training/03/signals"] = np.zeros((1, 6, 72), np.uint8)
        file["training/03/orientation"] = np.zeros((1, 4))
    with pytest.raises(InputError, match="training set 03 holds 1 signal, expected at least 2"):
        make(dataset, 1)
    for n, found in ((1, "1 signal"), (0, "0 signals")):
        with h5py.File(dataset, "r+") as file:
            del file["evaluation/10/signals"], file["evaluation/10/orientation"]
            file["evaluation/10/signals"] = np.zeros((n, 6, 72), np.uint8)
            file["evaluation/10/orientation"] = np.zeros((n, 4))
        with pytest.raises(InputError, match=f"evaluation set 10 holds {found}, expected at least"):
            make(dataset, 10)
    lacking("training/03", "training/02/orientation")
    with pytest.raises(InputError, match=r"dataset\.h5: /training/02 lacks 'orientation'"):
        make(dataset, 1)
    lacking("training/02", "training/10")
    with pytest.raises(InputError, match="needs a training set of another specimen than 01"):
        make(dataset, 1)
    lacking("evaluation")
    with pytest.raises(InputError, match="/ lacks 'evaluation'; it holds training"):
        make(dataset, 1)
