"""Starts a process and writes its cost; a small script of its own.

Linux counts the memory of a process towards the peak of processes that it starts.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main(notes: str, command: list[str]) -> int:
    """Run the command, write its cost into the file `notes`, and return its exit code."""
    began = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    took = {
        "seconds": time.perf_counter() - began,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss,
    }
    Path(notes).write_text(json.dumps(took), encoding="utf-8")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
