"""The frame around every script: one log, progress on the terminal, mistakes as one line."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from workflow.lib.runtime.files import InputError, refused, unwritable

logger = logging.getLogger("drm")


def run(main: Callable[..., None], log: str | Path, **arguments: object) -> None:
    """Call `main(**arguments)`; messages go to the terminal and to the file `log`.

    An `InputError`, and an error of the file system that a user can mend (a full disk,
    missing rights), end the process with one line and exit status 1. Any other
    exception is a bug: its traceback goes to the log as well, and it is raised.
    """
    log = Path(str(log))
    logging.basicConfig(
        level=logging.WARNING,  # of others: matplotlib's fonts report every glyph
        format="%(message)s",
        handlers=[logging.StreamHandler(sys.stderr)],
        force=True,
    )
    logging.raiseExceptions = False  # what a full disk keeps out of the log is on the terminal
    logger.setLevel(logging.INFO)
    try:
        _write_to(log)
        main(**arguments)
    except InputError as error:
        _end(error)
    except Exception as error:
        refusal = refused(error)
        if refusal is not None:
            _end(unwritable(refusal, log))
        for handler in logging.getLogger().handlers[1:]:
            handler.emit(
                logger.makeRecord(
                    logger.name, logging.ERROR, __file__, 0, "failed", (), sys.exc_info()
                )
            )
        raise


def _write_to(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(log, mode="w")
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger().addHandler(handler)


def _end(error: InputError) -> None:
    logger.error("error: %s", error)
    sys.exit(1)
