import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared import logs


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


def fails() -> None:
    name = "Erika Mustermann"
    try:
        dict[str, str]()[name]
    except KeyError as error:
        raise ValueError(f"{name} <erika@city.example>") from error


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("library", [True, False])
def test_an_exception_is_logged_without_message_and_variables(
    capsys: pytest.CaptureFixture[str], *, terminal: bool, library: bool
) -> None:
    logs.configure(terminal=terminal)
    try:
        fails()
    except ValueError as error:
        if library:
            logging.getLogger("aiokafka").exception("went wrong")
        else:
            structlog.get_logger().error("went wrong", topic="lms.events", exc_info=error)
    said = "".join(capsys.readouterr())
    assert "went wrong" in said
    assert "ValueError < KeyError" in said
    assert "test_logs.py" in said
    assert "fails" in said
    assert "rika" not in said


def test_json_lines_for_containers(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(terminal=False)
    structlog.get_logger().warning("later", failures=3)
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["event"] == "later"
    assert json.loads(line)["failures"] == 3
    assert json.loads(line)["level"] == "warning"
    assert json.loads(line)["timestamp"].endswith("Z")


def test_a_library_repeats_itself_seldom_and_we_as_often_as_we_like(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(terminal=False)
    for n in range(9):
        logging.getLogger("aiokafka.conn").error("no connection %s", n)
        logging.getLogger("aiokafka.conn").warning("not worth a line")
        structlog.get_logger().error("ours")
    lines = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert lines.count("no connection 0") == 1
    assert lines.count("ours") == 9
    assert len(lines) == 10


def test_the_mail_sink_says_nothing_of_addresses_and_ours_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(terminal=True)
    logging.getLogger("mail.log").warning("RCPT TO:<erika@city.example>")
    logging.getLogger("httpx2").info("GET /?person_id=erika")
    logging.getLogger("services.enrolment").info("here")
    said = "".join(capsys.readouterr())
    assert "rika" not in said
    assert "here" in said


def test_what_asyncio_says_of_a_task_that_failed_has_no_content(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(terminal=False)
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: ValueError('Erika')")
    assert json.loads(capsys.readouterr().out)["event"] == "Task exception was never retrieved"
