"""What the grid's network sees of an orientation: the same of equivalents, another of others."""

import numpy as np
import torch
from torch import nn

from tests.unit.quaternions import quaternion, random_quaternions
from workflow.lib.networks.grid import OCTAVES, POWERS, GridNet, cubic_features
from workflow.lib.orientation import CUBIC_SYMMETRY, multiply, to_matrix

ENTRIES = len(POWERS)


def test_it_is_the_fourth_degree_tensor_and_sines_and_cosines_of_it():
    q = random_quaternions(7)
    axes = to_matrix(q).numpy()  # columns are the crystal's axes
    tensor = np.einsum("nia,nja,nka,nla->nijkl", *[axes] * 4).reshape(7, -1)
    found = cubic_features(q)
    entries = found[:, :ENTRIES].double()
    distances = torch.cdist(entries, entries)
    expected = np.linalg.norm(tensor[:, None] - tensor, axis=-1) / np.sqrt(8)
    np.testing.assert_allclose(distances, expected, atol=1e-6)
    angles = torch.cat([2 ** (octave + 1) * entries for octave in range(OCTAVES)], 1)
    np.testing.assert_allclose(
        found[:, ENTRIES:].double(), torch.cat((angles.sin(), angles.cos()), 1), atol=2e-5
    )


def test_equivalents_look_the_same_and_a_turned_specimen_does_not():
    q = random_quaternions(5, 2)
    for operator in CUBIC_SYMMETRY[1:]:
        assert (cubic_features(multiply(q, operator)) - cubic_features(q)).abs().max() < 5e-5
        assert (cubic_features(multiply(operator, q)) - cubic_features(q)).abs().max() > 0.1


def test_a_small_turn_goes_as_far_as_its_angle_in_every_direction():
    q = random_quaternions(1, 3)[0]
    for axis in ([0, 0, 1], [1, 1, 0], [3, -2, 1]):
        moved = cubic_features(multiply(q, quaternion(axis, 1.0)))[:ENTRIES]
        distance = (moved - cubic_features(q)[:ENTRIES]).norm()
        torch.testing.assert_close(
            distance, torch.tensor(np.radians(1.0)).float(), rtol=1e-3, atol=0
        )


def test_any_shape_is_taken_and_the_signals_layer_is_the_last():
    network = GridNet()
    q = random_quaternions(6).view(2, 3, 4)
    keys = network.keys(q)
    torch.testing.assert_close(keys[1, 2], network.keys(q[1, 2]))
    assert [m for m in network.modules() if isinstance(m, nn.Linear)][-1] is network.signals.output
    signals, rolls = torch.rand(2, 6, 72) * 255, torch.tensor([[0, 5]] * 2)
    queries = network.queries(signals, rolls)
    assert queries.shape[-1] == keys.shape[-1]
    torch.testing.assert_close(network.query(signals), queries[:, 0])
    assert (queries[..., -1] == 1).all()
