"""What stands around a plugin's work, so that a mistake in it can be found."""

import functools
import traceback

from componentize_py_types import Err
from wit_world.imports import host
from wit_world.imports.types import Failure_Failed


def guarded(work):
    """Lets failures pass, which are raised as `Err`.

    Any other exception is a mistake; without a word in the log it would be a trap that says nothing.
    """

    @functools.wraps(work)
    def wrapper(*given):
        try:
            return work(*given)
        except Err:
            raise
        except Exception:
            host.log(host.Level.ERROR, traceback.format_exc())
            raise Err(Failure_Failed("The plugin has a fault; its log says more."))

    return wrapper
