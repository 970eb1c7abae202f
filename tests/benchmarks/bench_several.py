"""Several answers of the writing network: draws and beam search beside greedy decoding."""

import torch

from tests.benchmarks.measure import (
    Row,
    Side,
    Sizes,
    alternate,
    bound_by_products,
    compare,
    matrix_product,
    rate,
)
from workflow.lib.models.registry import make_task
from workflow.lib.networks import SequenceNet, decoding

DRAWS, WIDTH = 64, 16  # as in config/config.yaml
LAYERS = {"one layer": 1, "as published": 4}
OPERATIONS = 2  # per weight and use: a multiplication and an addition


def measure(device: torch.device, sizes: Sizes) -> list[Row]:
    return [row for phrase in LAYERS for row in _rows(phrase, device, sizes)]


def _rows(phrase: str, device: torch.device, sizes: Sizes) -> list[Row]:
    """Sequences per second that are drawn, and signals per second that are searched."""
    torch.manual_seed(1)
    network = make_task("sequencenet", {"layers": LAYERS[phrase]}).network.to(device).eval()
    codes = torch.randn(sizes.decoded_signals, network.logits.in_features, device=device)
    seeds = torch.arange(len(codes), device=device)
    n = len(codes)
    sides: dict[str, Side] = {
        "draws": lambda: rate(lambda: decoding.sample(network, codes, DRAWS, seeds), n * DRAWS),
        "beam": lambda: rate(lambda: decoding.beam(network, codes, WIDTH), n),
        "baseline": lambda: rate(lambda: decoding.greedy(network, codes), n),
        "float32 product": matrix_product("float32", device, sizes.matrix_edge),
    }
    rates = alternate(sides, sizes.repeats)
    draws = compare(
        f"{DRAWS} draws a signal, {phrase}", "sequences/s", rates, "draws", "greedy, one a signal"
    )
    draws = bound_by_products(draws, rates, "float32", _operations(network))
    beam = compare(f"beam of {WIDTH}, {phrase}", "signals/s", rates, "beam", "greedy")
    beam.note = f"{1 / beam.ratio:.0f} times the cost of greedy"
    return [draws, beam]


def _operations(network: SequenceNet) -> float:
    """In matrix products for one sequence; the symbols' part of the first layer is looked up."""
    matrices = {name: w for name, w in network.decoder.named_parameters() if "weight" in name}
    used = [w for name, w in matrices.items() if name != "weight_ih_l0"]
    used.append(network.logits.weight)
    return OPERATIONS * (network.tokenizer.length - 1) * sum(weight.numel() for weight in used)
