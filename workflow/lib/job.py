"""The frame around every script: one log, progress on the terminal, mistakes as one line."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from workflow.lib.files import InputError

logger = logging.getLogger("drm")


def run(main: Callable[..., None], log: str | Path, **arguments: object) -> None:
    """Call `main(**arguments)`; messages go to the terminal and to the file `log`.

    An `InputError` ends the process with its one line and exit status 1. Any other
    exception is a bug: its traceback goes to the log as well, and it is raised.
    """
    log = Path(str(log))
    log.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.WARNING,  # of others: matplotlib's fonts report every glyph
        format="%(message)s",
        handlers=[logging.StreamHandler(sys.stderr), logging.FileHandler(log, mode="w")],
        force=True,
    )
    logger.setLevel(logging.INFO)
    try:
        main(**arguments)
    except InputError as error:
        logger.error("error: %s", error)
        sys.exit(1)
    except Exception:
        logging.getLogger().handlers[1].emit(
            logger.makeRecord(logger.name, logging.ERROR, __file__, 0, "failed", (), sys.exc_info())
        )
        raise
