"""How far a job is: a bar on a terminal, and in any case a line in the log every half minute."""

import sys
import threading
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TypeVar

from tqdm import tqdm

from workflow.lib.runtime.duration import in_words
from workflow.lib.runtime.script import logger

PERIOD_S = 25.0  # between two lines: at most 30 s on busy cores as well

Item = TypeVar("Item")


class Progress:
    """What is done of a job while the block runs; its lines come from a thread.

    So they come also where a single step takes minutes, or a server says nothing.

    label: what is at work. total: how much there is to do, None if nobody knows. unit: of what, as
    one (`step`); `B` is written as kB, MB, GB. done: how much had been done before.
    """

    def __init__(self, label: str, total: int | None, unit: str, done: int = 0) -> None:
        self.label, self.total, self.unit, self.done = label, total, unit, done
        self._note = ""
        self._before = done
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell_regularly, daemon=True)

    def __enter__(self) -> "Progress":
        self._begin = self._told = time.monotonic()
        self._bar = tqdm(
            desc=self.label, total=self.total, initial=self.done, unit=self.unit,
            unit_scale=self.unit == "B", disable=None,
        )  # fmt: skip
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._bar.close()

    def add(self, more: int = 1) -> None:
        """Count what has been done since; by one thread at a time."""
        self.done += more
        self._bar.update(more)

    def note(self, text: str) -> None:
        """What else the bar and the lines say from now on."""
        self._note = text
        self._bar.set_postfix_str(text, refresh=False)

    def tell(self) -> None:
        """Write a line now; the next one follows half a minute later."""
        self._told = time.monotonic()
        with tqdm.external_write_mode(sys.stderr):  # not into a bar
            logger.info("%s: %s", self.label, self._line())

    def _tell_regularly(self) -> None:
        while not self._ended.wait(max(0.0, self._told + PERIOD_S - time.monotonic())):
            if time.monotonic() >= self._told + PERIOD_S:
                self.tell()

    def _line(self) -> str:
        new, spent_s = self.done - self._before, time.monotonic() - self._begin
        line = self._amount(self.done)
        if self.total is not None:
            line += f" of {self._amount(self.total)}"
        plural = "es" if self.unit.endswith("ch") else "s"
        line += "" if self.unit == "B" else f" {self.unit}{plural}"
        if self.total is not None and new > 0 and self.done < self.total:
            line += f", {in_words((self.total - self.done) * spent_s / new)} left"
        return f"{line}; {self._note}" if self._note else line

    def _amount(self, number: int) -> str:
        return tqdm.format_sizeof(number, "B") if self.unit == "B" else f"{number:,}"


def tracked(
    items: Iterable[Item], label: str, unit: str, total: int | None = None
) -> Iterator[Item]:
    """The items, one by one, with their progress told; `total` where they have no length."""
    with Progress(label, len(items) if total is None else total, unit) as progress:
        for item in items:
            yield item
            progress.add()
