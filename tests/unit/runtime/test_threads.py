"""Chunks are shared out among threads that each compute alone, as their caller would."""

import threading
import time

import pytest
import torch

from workflow.lib.runtime.threads import share_out

NUMBERS = torch.arange(12.0)


@pytest.fixture(params=[2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    assert torch.get_num_threads() == request.param
    torch.set_num_threads(before)


def meeting(parties: int):
    """A function that returns once so many threads wait in it at the same time, first time only."""
    barrier, met = threading.Barrier(parties), set()

    def meet() -> None:
        me = threading.get_ident()
        if me not in met:
            met.add(me)
            barrier.wait(timeout=60)

    return meet


def test_results_come_in_the_order_of_the_chunks(threads):
    halves = share_out(lambda a, b: (a, b.sum()), 5, NUMBERS, NUMBERS / 2)
    assert [a.tolist() for a, _ in halves] == [part.tolist() for part in NUMBERS.split(5)]
    assert [total.item() for _, total in halves] == [5.0, 17.5, 10.5]


def test_so_many_threads_work_at_once_and_each_computes_alone(threads):
    meet, here = meeting(threads), threading.get_ident()

    def work(chunk):
        meet()
        return threading.get_ident(), torch.get_num_threads()

    workers, alone = zip(*share_out(work, 1, NUMBERS), strict=True)
    assert len(set(workers)) == threads
    assert here not in workers
    assert set(alone) == {1}


def test_a_single_chunk_stays_in_the_caller_s_thread_and_is_computed_by_it_alone(threads):
    found = share_out(lambda chunk: (threading.get_ident(), torch.get_num_threads()), 12, NUMBERS)
    assert found == [(threading.get_ident(), 1)]


def test_a_thread_that_others_set_back_meanwhile_still_computes_alone(threads):
    meet = meeting(threads)

    def work(chunk):
        meet()
        other = threading.Thread(target=torch.set_num_threads, args=(threads,))
        other.start()
        other.join()
        return torch.get_num_threads()

    assert set(share_out(work, 1, NUMBERS)) == {1}


def test_work_that_shares_out_itself_does_so_in_its_own_thread(threads):
    def work(chunk):
        inner = share_out(lambda part: threading.get_ident(), 1, chunk)
        return set(inner) == {threading.get_ident()} and torch.get_num_threads() == 1

    assert all(share_out(work, 3, NUMBERS))


def test_an_error_is_raised_and_what_has_not_begun_is_left(threads):
    begun = []

    def work(chunk):
        begun.append(chunk.item())
        if chunk == 2:
            raise ValueError("chunk 2")
        time.sleep(0.02)

    many = torch.arange(1000.0)
    with pytest.raises(ValueError, match="chunk 2"):
        share_out(work, 1, many)
    assert len(begun) < len(many)


def test_work_finds_the_modes_of_its_caller(threads):
    def modes(chunk):
        autocast = torch.is_autocast_enabled("cpu")
        kind = (chunk[:, None] @ chunk[None]).dtype
        return torch.is_inference_mode_enabled(), torch.is_grad_enabled(), autocast, kind

    assert set(share_out(modes, 3, NUMBERS)) == {(False, True, False, torch.float32)}
    with torch.inference_mode():
        assert set(share_out(modes, 3, NUMBERS)) == {(True, False, False, torch.float32)}
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert set(share_out(modes, 3, NUMBERS)) == {(False, False, True, torch.bfloat16)}


def test_gradients_pass_through_the_threads(threads):
    weights = torch.full((12,), 2.0, requires_grad=True)
    torch.cat(share_out(torch.square, 5, weights)).sum().backward()
    assert weights.grad.tolist() == [4.0] * 12


def test_the_results_can_be_followed_as_they_come(threads):
    followed = []

    def follow(results):
        for result in results:
            followed.append(result)
            yield result

    assert share_out(torch.sum, 6, NUMBERS, follow=follow) == followed
    assert [total.item() for total in followed] == [15.0, 51.0]
