"""A terminal in which a program runs, as for a person."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

_SECONDS_AT_MOST = 60


class Terminal:
    """A program at a terminal; used in a `with`, which ends the program.

    Args:
        command: The program with its arguments.
        folder: Its working directory.
        environment: Its environment.
        width: The columns of the terminal.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        width: int = 80,
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.written = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._ours, text.encode())

    def read_until(self, text: str) -> None:
        """Read what the program writes until it has written this."""
        deadline = time.monotonic() + _SECONDS_AT_MOST
        while text.encode() not in self.written:
            assert time.monotonic() < deadline, self.written
            self._read()

    def read_all(self) -> str:
        """Read until the program ends; everything that it wrote."""
        deadline = time.monotonic() + _SECONDS_AT_MOST
        while self._read():
            assert time.monotonic() < deadline, self.written
        self.process.wait(timeout=_SECONDS_AT_MOST)
        return self.written.decode().replace("\r\n", "\n")

    def _read(self) -> bool:
        """Read what there is within a second; False where the program has ended."""
        if not select.select([self._ours], [], [], 1)[0]:
            return True
        with contextlib.suppress(OSError):  # which Linux raises once nobody else has the terminal
            read = os.read(self._ours, 4096)
            self.written += read
            return bool(read)
        return False
