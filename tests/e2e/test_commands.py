"""The command line as people use it: what it says, and its exit codes."""

import json
import os
import signal
import time
from pathlib import Path

from tests.support.servers import free_port
from tests.support.stack import Running, children_of, command, offering, person, request, running


def test_push_waits_and_report_and_verify_answer(stack: Running, unique: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    events = [offering(unique), person(f"{unique}-p"), request(unique, f"{unique}-p")]
    file.write_text("\n".join(map(json.dumps, events)) + "\n")
    pushed = command("push", str(file), "--wait", url=stack.url)
    report = command("report", "2024", "--format", "json", url=stack.url)

    assert (pushed.returncode, "3 events accepted" in pushed.stdout) == (0, True), pushed.stderr
    assert stack.kinds(offering_id=unique) == ["confirmed"]
    assert json.loads(report.stdout)["year"] == 2024
    assert "2024" in command("report", "2024", url=stack.url).stdout


def test_push_names_the_line_of_a_bad_file_and_sends_nothing(stack: Running, unique: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(offering(unique)) + '\n\n{"specversion": "1.0"}\n')
    pushed = command("push", str(file), url=stack.url)

    assert pushed.returncode == 2
    assert len(pushed.stderr.splitlines()) == 1
    assert "line 3: id" in pushed.stderr
    assert stack.http.get(f"/enrolment/api/offerings/{unique}").status_code == 404


def test_a_file_that_is_not_there_is_one_line(stack: Running) -> None:
    pushed = command("push", "nowhere.jsonl", url=stack.url)

    assert (pushed.returncode, len(pushed.stderr.splitlines())) == (2, 1)


def test_a_stack_that_is_not_running_is_one_line() -> None:
    found = command("report", "2024", url=f"http://127.0.0.1:{free_port()}")

    assert (found.returncode, len(found.stderr.splitlines())) == (2, 1)
    assert "lernbus up" in found.stderr


def test_an_unknown_organisation_is_one_line(stack: Running) -> None:
    found = command("report", "2024", "--organisation", "atlantis", url=stack.url)

    assert (found.returncode, len(found.stderr.splitlines())) == (2, 1)


def test_the_report_comes_as_a_file(stack: Running, tmp_path: Path) -> None:
    for form, begins in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("html", b"<!doctype"), ("pdf", b"%PDF")):
        file = tmp_path / f"report.{form}"
        written = command("report", "2024", "--format", form, "--language", "en", "--output", str(file), url=stack.url)

        assert (written.returncode, written.stdout) == (0, ""), written.stderr
        assert file.read_bytes().startswith(begins)


def test_a_format_or_a_place_that_there_is_not_is_one_line(stack: Running) -> None:
    for words in (("--format", "doc"), ("--language", "fr"), ("--output", "/nowhere/at/all")):
        found = command("report", "2024", *words, url=stack.url)

        assert (found.returncode, len(found.stderr.splitlines())) == (2, 1)


def test_a_taken_port_is_one_line(stack: Running) -> None:
    found = command("up", "--port", stack.url.rpartition(":")[2])

    assert (found.returncode, len(found.stderr.splitlines())) == (2, 1)
    assert "port" in found.stderr


def test_a_clock_that_cannot_be_read_is_one_line(stack: Running) -> None:
    for words in (("set", "tomorrow"), ("set", "2024-10-05T08:00:00"), ("advance", "3 days")):
        found = command("clock", *words, url=stack.url)

        assert (found.returncode, len(found.stderr.splitlines())) == (2, 1)


def test_the_stack_stops_on_sigterm_and_leaves_no_process() -> None:
    with running("up", "--port", "0") as stack:
        servers = children_of(stack.process.pid)
        code = stack.stop()

    assert len(servers) >= 2
    assert code == 0
    assert not [line for line in servers if _alive(line)]


def test_killed_outright_the_stack_leaves_no_process() -> None:
    with running("up", "--port", "0") as stack:
        servers = children_of(stack.process.pid)
        os.kill(stack.process.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while any(map(_alive, servers)) and time.monotonic() < deadline:
            time.sleep(0.1)

    assert len(servers) >= 2
    assert not [line for line in servers if _alive(line)]


def test_a_clock_of_real_time_is_not_moved() -> None:
    with running("up", "--port", "0") as stack:
        found = command("clock", "advance", "1d", url=stack.url)

    assert (found.returncode, "--now" in found.stderr) == (2, True)


def _alive(args: str) -> bool:
    """The command line carries a port or a folder of its own, so it is found again by its words."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip() == args.strip():
                return True
        except OSError:
            continue
    return False
