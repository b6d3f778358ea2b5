"""Become a command that dies with its parent: `python launch.py PARENT_PID /PATH/TO/PROGRAM ARGUMENT...`.

Not a preexec_fn: that would run Python in the fork of a process with threads, which may deadlock.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; survives the exec below


def launch(parent: int, command: list[str]) -> None:
    """Ask the kernel to kill this process when its parent is gone, then run the command in its place."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before we asked, so nobody will ever be told
        sys.exit("the parent has gone")
    os.execv(command[0], command)  # noqa: S606 - no shell is what we want


if __name__ == "__main__":
    launch(int(sys.argv[1]), sys.argv[2:])
