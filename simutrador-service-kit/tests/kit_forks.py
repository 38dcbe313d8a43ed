"""Processes of a service within milliseconds: forked from one that has imported all it needs.

    with forked(kit_whole.__file__, folder, environment, log) as child: ...

The script, started with `--forks FD`, calls `serve_forks(FD, main)`: each request on that socket
brings a folder, an environment and two open files, and becomes a child that runs `main` with them
as an interpreter of its own would.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

_LONGEST = 1 << 16


@contextmanager
def forked(
    script: str, folder: Path, environment: Mapping[str, str], log: IO[bytes]
) -> Iterator[IO[str]]:
    """Run `main` of a script in a child and give what it writes; end it with the block."""
    asked = json.dumps({"folder": str(folder), "environment": dict(environment)}).encode()
    reading, writing = os.pipe()
    try:
        socket.send_fds(_parent_of(script), [asked], [writing, log.fileno()])
        pid = int(_parent_of(script).recv(32))
    finally:
        os.close(writing)
    with open(reading, encoding="utf-8") as written:  # noqa: PTH123  (a descriptor, no path)
        try:
            yield written
        finally:
            with suppress(ProcessLookupError):  # it has ended
                os.kill(pid, signal.SIGTERM)
            written.read()  # to the end of the child


@cache
def _parent_of(script: str) -> socket.socket:
    """Start the process that forks, once for all tests of this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, script, "--forks", str(theirs.fileno())]
    process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
    theirs.close()

    def end() -> None:
        ours.close()  # it ends when nobody is left to ask
        process.wait(timeout=20)

    atexit.register(end)
    return ours


def serve_forks(descriptor: int, main: Callable[[], None]) -> None:
    """Fork a child for each request until nobody is left to ask."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children leave nothing behind
    with socket.socket(fileno=descriptor) as asking:
        while True:
            asked, files, *_ = socket.recv_fds(asking, _LONGEST, 2)
            if not asked:
                return
            pid = os.fork()
            if pid == 0:
                asking.close()
                os._exit(_become(json.loads(asked), files, main))
            for file in files:
                os.close(file)
            asking.send(str(pid).encode())


def _become(asked: dict[str, object], files: list[int], main: Callable[[], None]) -> int:
    """Be what was asked for; return how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, file in enumerate(files, start=1):
        os.dup2(file, number)
        os.close(file)
    os.chdir(str(asked["folder"]))
    os.environ.clear()
    os.environ.update(json.loads(json.dumps(asked["environment"])))
    sys.argv[1:] = [str(asked["folder"])]
    code = 0
    try:
        main()
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 1
        sys.stderr.write(f"{e.code}\n" if isinstance(e.code, str) else "")
    except BaseException:  # noqa: BLE001  (as the interpreter would)
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code
