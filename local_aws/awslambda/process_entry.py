"""The first lines of a function's process: end with the parent, then become `awslambdaric`.

It runs as a script, outside its package, so it imports nothing but the standard library.
"""

from __future__ import annotations

import _thread
import os
import runpy
import signal


def _end_with_parent(pipe: int) -> None:
    # Nothing is ever written to the pipe: the read returns when the other end closes, however
    # the parent died. Only a thread notices that while the handler sleeps or computes.
    os.read(pipe, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    """Watch the pipe that came as standard input, and run the handler named in `sys.argv[1]`."""
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    # not a threading.Thread, so that the function sees the same threads as on Lambda
    _thread.start_new_thread(_end_with_parent, (pipe,))
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
