"""`lernbus demo` as a person starts it: a process, its output, its exit code, and nothing left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SECONDS = 240
"""The demo takes about half a minute; a busy machine may take longer."""


@pytest.fixture
def marked(unique: str) -> dict[str, str]:
    """An environment by which every process that comes of the demo can be found."""
    return {**os.environ, "LERNBUS_TEST_MARK": unique, "PYTHONUNBUFFERED": "1"}


def left_behind(environment: dict[str, str]) -> list[str]:
    """The command lines of all processes with that environment."""
    mark = f"LERNBUS_TEST_MARK={environment['LERNBUS_TEST_MARK']}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # ended meanwhile, or not ours
            continue
    return found


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lernbus.cli", "demo", "--port", "0", *arguments]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def test_both_stories_come_out_as_the_cities_told_them(marked: dict[str, str]) -> None:
    demo = start(marked, "--exit")
    try:
        output, errors = demo.communicate(timeout=SECONDS)
    finally:
        demo.kill()
    assert demo.returncode == 0, output + errors
    assert left_behind(marked) == []
    assert "Not as it should be" not in output
    assert max(map(len, output.splitlines())) <= 100
    assert output.count("@") == 2, "the reminder's From and To show the only addresses"
    for figure in (
        r"17 participants, Erweiterung der interkulturellen Kompetenz\n",
        r"181 bookings, Interkulturelle Kommunikation in Teams\n",
        r"49 leave persons",
        r"Freigestellte +49 ",
        r"Prüfungsjahrgang 2023 \(\S+-1\) +16 +16 +0\n",
        r"Prüfungsjahrgang 2023 \(\S+-2\) +15 +15 +0\n",
        r"promoted +sent +18\n",
        r"reminder +sent +602\n",
        r"nicht angegeben +11 ",
        r"Ordnungsamt +31 +[0-9• ]*• +[0-9• ]*5\n",
        r"Subject: Erinnerung: ",
        r"Donnerstag, 21\. November 2024, 09:30 bis 13:00 Uhr",
        r"Link: https://konferenz\.wuppertal\.example/strategisch-wirken",
        r"http://127\.0\.0\.1:\d+/stats/",
    ):
        assert re.search(figure, output), figure


def test_ctrl_c_in_the_middle_ends_it_and_leaves_nothing(marked: dict[str, str]) -> None:
    demo = start(marked)
    try:
        assert demo.stdout is not None
        assert "keeps nothing" in demo.stdout.readline()
        until_busy(marked)
        demo.send_signal(signal.SIGINT)
        _, errors = demo.communicate(timeout=60)
    finally:
        demo.kill()
    assert (demo.returncode, errors) == (0, "")
    assert left_behind(marked) == []


def until_busy(environment: dict[str, str]) -> None:
    """The servers run, and a moment has passed in which the replay can begin."""
    deadline = time.monotonic() + 60
    while not any("mongod" in process for process in left_behind(environment)):
        assert time.monotonic() < deadline, "no mongod was started"
        time.sleep(0.1)
    time.sleep(4)
