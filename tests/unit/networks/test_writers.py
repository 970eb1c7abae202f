"""Attention and the transformer: against PyTorch's own, step by step, and what they may know."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from workflow.lib.networks import SequenceNet, sequencenet
from workflow.lib.networks.attention import AttentionNet
from workflow.lib.networks.transformer import TransformerNet, attended
from workflow.lib.networks.writer import Writer
from workflow.lib.runtime.files import InputError
from workflow.lib.signals.rolls import AZIMUTHS, roll_azimuth, standardise
from workflow.lib.tokens import DecimalTokenizer, DigitTokenizer

N = 5
SIGNALS = torch.randint(0, 256, (N, 6, 72), generator=torch.Generator().manual_seed(0)).byte()
WRITERS = {
    "attention": (AttentionNet, {"layers": 1}),
    "attention by hand": (AttentionNet, {"layers": 1}),
    "attention, two layers": (AttentionNet, {"layers": 2, "roll_embedding": False}),
    "attention, gru": (
        AttentionNet, {"cell": "gru", "conditioning": "every_step", "body": "wide"},
    ),
    "transformer": (TransformerNet, {}),
    "transformer, three layers": (TransformerNet, {"layers": 3, "heads": 2}),
}  # fmt: skip
every_writer = pytest.mark.parametrize("name", WRITERS)
tokenizers = pytest.mark.parametrize("tokenizer", [DigitTokenizer, DecimalTokenizer])


def new_network(name: str, tokenizer=DigitTokenizer, monkeypatch=None, **changes) -> Writer:
    """In float64; signals and symbols make more of a difference than they do untrained."""
    if "by hand" in name:
        monkeypatch.setattr(sequencenet, "FEWEST_BY_HAND", 1)
    torch.manual_seed(1)
    writer, options = WRITERS[name]
    network = writer(tokenizer(), **({"width": 16} | options | changes)).double()
    for layer in network.encoder:
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.bias, std=0.1)
    network.logits.weight.data *= 10
    network.token_embedding.weight.data *= 3
    return network.eval()


def codes_of(network: Writer) -> Tensor:
    """Of each signal as it is."""
    zero = torch.zeros(N, dtype=torch.int64)
    return network._code(standardise(SIGNALS).double(), zero).detach()


def some_tokens(network: Writer, seed: int = 0) -> Tensor:
    """As long as they get, of any symbols after START."""
    generator = torch.Generator().manual_seed(seed)
    shape, symbols = (N, network.tokenizer.length), len(network.tokenizer.vocabulary)
    tokens = torch.randint(symbols, shape, generator=generator)
    tokens[:, 0] = network.tokenizer.start
    return tokens


@torch.no_grad()
def step_by_step(network: Writer, code: Tensor, tokens: Tensor) -> Tensor:
    stepper = network.stepper(code)
    return torch.stack([stepper.advance(symbol).clone() for symbol in tokens.unbind(1)], 1)


@every_writer
@tokenizers
def test_step_by_step_it_is_as_it_is_trained(name, tokenizer, monkeypatch):
    network = new_network(name, tokenizer, monkeypatch)
    code, tokens = codes_of(network), some_tokens(network)
    expected = network._hidden(code, tokens)
    found = step_by_step(network, code, tokens)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert expected.std(0).min() > 1e-6
    logits = network(standardise(SIGNALS).double(), torch.zeros(N).long(), tokens)
    torch.testing.assert_close(network.logits(found), logits, rtol=0, atol=1e-11)


@every_writer
@pytest.mark.parametrize("before", [0, 1, 6])
def test_rows_may_be_repeated_left_out_and_in_another_order(name, before, monkeypatch):
    """Twice, of which the second is of the rows there are then."""
    network = new_network(name, monkeypatch=monkeypatch)
    code, tokens = codes_of(network), some_tokens(network)
    stepper, rows = network.stepper(code, of_each=2), torch.arange(N)
    with torch.no_grad():
        for symbol in tokens[:, :before].unbind(1):
            stepper.advance(symbol)
        for position, chosen in enumerate(([4, 1, 1, 0, 3, 3, 3], [5, 0, 2]), before):
            stepper.select(torch.tensor(chosen))
            rows = rows[chosen]
            found = stepper.advance(tokens[rows, position])
            expected = network._hidden(code[rows], tokens[rows, : position + 1])[:, -1]
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@every_writer
def test_no_symbol_changes_what_is_before_it_and_each_what_is_after(name, monkeypatch):
    network = new_network(name, monkeypatch=monkeypatch)
    code, tokens = codes_of(network), some_tokens(network)
    hidden = network._hidden(code, tokens)
    for position in range(1, tokens.shape[1]):
        other = tokens.clone()
        other[:, position] = (other[:, position] + 1) % len(network.tokenizer.vocabulary)
        changes = (network._hidden(code, other) - hidden).abs().amax((0, 2))
        assert (changes[:position] == 0).all()
        assert changes[position:].min() > 1e-9


@every_writer
def test_the_signal_makes_a_difference_to_every_symbol(name, monkeypatch):
    network = new_network(name, monkeypatch=monkeypatch)
    tokens = some_tokens(network)[:1].expand(N, -1)
    assert network._hidden(codes_of(network), tokens).std(0).amax(1).min() > 1e-4


@every_writer
@pytest.mark.parametrize("encoder", ["published", "equivariant"])
def test_codes_of_all_rolls_are_the_codes_of_rolled_signals(name, encoder, monkeypatch):
    network = new_network(name, monkeypatch=monkeypatch, encoder=encoder)
    rolls = torch.arange(AZIMUTHS).repeat(2)
    rolled = roll_azimuth(SIGNALS[:2].repeat_interleave(AZIMUTHS, 0), rolls)
    expected = network._code(standardise(rolled).double(), rolls)
    codes = network.codes_of_rolls(standardise(SIGNALS[:2]).double(), rolls.view(2, -1))
    torch.testing.assert_close(codes.flatten(0, 1), expected, rtol=0, atol=1e-12)
    # of two rolls each, in no order
    pairs = torch.tensor([[70, 3], [9, 9]])
    some = network.codes_of_rolls(standardise(SIGNALS[:2]).double(), pairs)
    torch.testing.assert_close(some[0], codes[0, pairs[0]], rtol=0, atol=1e-12)
    torch.testing.assert_close(some[1], codes[1, pairs[1]], rtol=0, atol=1e-12)


@every_writer
def test_in_bfloat16_all_gradients_are_numbers_and_near_the_exact_ones(name, monkeypatch):
    network = new_network(name, monkeypatch=monkeypatch).float()
    tokens, zero = some_tokens(network), torch.zeros(N, 2, dtype=torch.int64)
    wanted = tokens[:, None, 1:].expand(-1, 2, -1)
    parameters = {n: p for n, p in network.named_parameters() if "roll_embedding" not in n}

    def gradients(enabled: bool) -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16, enabled):
            given = tokens[:, None, :-1].expand(-1, 2, -1)
            logits = network.logits_of_rolls(standardise(SIGNALS), zero, given).float()
        loss = functional.cross_entropy(logits.flatten(0, 2), wanted.flatten())
        return torch.autograd.grad(loss, list(parameters.values()))

    for key, found, exact in zip(parameters, gradients(True), gradients(False), strict=True):
        assert found.isfinite().all(), key
        if key.endswith("key.bias"):  # which shifts all of a query's scores alike
            continue
        assert exact.abs().max() > 0, key
        assert (found - exact).norm() < 0.5 * exact.norm(), key


@every_writer
def test_dropout_is_in_training_alone(name, monkeypatch):
    network = new_network(name, monkeypatch=monkeypatch, dropout=0.5)
    given = standardise(SIGNALS).double(), torch.zeros(N).long(), some_tokens(network)
    assert torch.equal(network(*given), network(*given))
    network.train()
    assert not torch.equal(network(*given), network(*given))


def as_torch_has_it(network: TransformerNet) -> nn.TransformerEncoder:
    """PyTorch's own with the same weights."""
    blocks, width = network.decoder.blocks, network.token_embedding.embedding_dim
    layer = nn.TransformerEncoderLayer(
        width, blocks[0].heads, 2 * width, dropout=0, batch_first=True, norm_first=True
    )
    theirs = nn.TransformerEncoder(
        layer, len(blocks), norm=network.decoder.norm, enable_nested_tensor=False
    ).double()
    for own, other in zip(blocks, theirs.layers, strict=True):
        three = (own.query, own.key, own.value)
        state = {
            "self_attn.in_proj_weight": torch.cat([part.weight for part in three]),
            "self_attn.in_proj_bias": torch.cat([part.bias for part in three]),
        }
        alike = {
            "self_attn.out_proj": own.output, "norm1": own.norm, "norm2": own.dense[0],
            "linear1": own.dense[1], "linear2": own.dense[3],
        }  # fmt: skip
        for name, part in alike.items():
            state |= {f"{name}.weight": part.weight, f"{name}.bias": part.bias}
        other.load_state_dict(state)
    return theirs


@pytest.mark.parametrize("name", ["transformer", "transformer, three layers"])
def test_the_transformer_is_pytorchs_own(name):
    """Behind embeddings by hand: the code is added to the first, a position to each."""
    network = new_network(name)
    for block in network.decoder.blocks:  # no norm is left as it begins
        for norm in (block.norm, block.dense[0]):
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
    code, tokens = codes_of(network), some_tokens(network)
    inputs = network.token_embedding.weight[tokens] + network.decoder.positions
    inputs[:, 0] += code
    mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1]).double()
    expected = as_torch_has_it(network)(inputs, mask=mask)
    torch.testing.assert_close(network._hidden(code, tokens), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("t", [1, 3, 7])
def test_the_last_queries_find_what_pytorchs_do(t):
    generator = torch.Generator().manual_seed(2)
    query, key, value = torch.randn(3, 4, 2, 7, 5, generator=generator).double().unbind()
    expected = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    found = attended(query[:, :, -t:], key, value)
    torch.testing.assert_close(found, expected[:, :, -t:], rtol=0, atol=1e-12)


def test_heads_have_to_share_the_width():
    with pytest.raises(InputError, match=r"width: found 10, expected a multiple of heads.* 4"):
        TransformerNet(DigitTokenizer(), width=10)


@pytest.mark.parametrize(("name", "shape"), [("attention", (32, 18)), ("attention, gru", (64, 18))])
def test_attention_is_luongs(name, shape):
    """By PyTorch's own, from the map that the convolutions make, with SequenceNet's states."""
    network = new_network(name)
    code, tokens = codes_of(network), some_tokens(network)
    flatten = [isinstance(layer, nn.Flatten) for layer in network.encoder].index(True)
    maps = network.encoder[:flatten](standardise(SIGNALS).double()[:, None] / 255)
    assert maps.shape == (N, shape[0], 1, shape[1])
    hidden = SequenceNet._hidden(network, code[:, :16], tokens)
    attention = network.attention
    columns = (maps[:, :, 0] + attention.places).mT
    query = hidden @ attention.query.weight.T
    found = functional.scaled_dot_product_attention(query, columns, columns, scale=1)
    joined = torch.cat((hidden, found), -1) @ attention.join.weight.T + attention.join.bias
    torch.testing.assert_close(network._hidden(code, tokens), joined.tanh(), rtol=0, atol=1e-12)


def test_by_its_places_the_writer_knows_the_columns_apart():
    network = new_network("attention", encoder="equivariant")
    code, tokens = codes_of(network), some_tokens(network)
    vector, columns = code[:, :16], code[:, 16:].view(N, 32, 18)
    turned = torch.cat((vector, columns.roll(5, -1).flatten(1)), 1)
    hidden = network._hidden(code, tokens)
    assert (network._hidden(turned, tokens) - hidden).abs().amax((1, 2)).min() > 1e-6
    network.attention.places.data.zero_()
    same = network._hidden(turned, tokens), network._hidden(code, tokens)
    torch.testing.assert_close(*same, rtol=0, atol=1e-12)


def test_what_sequencenet_has_as_well_begins_alike():
    networks = []
    for writer in (SequenceNet, AttentionNet):
        torch.manual_seed(4)
        networks.append(writer(DigitTokenizer(), layers=1).state_dict())
    ours = networks[1]
    assert all(torch.equal(ours.pop(name), value) for name, value in networks[0].items())
    assert all(name.startswith("attention.") for name in ours)
