"""The committed documents are those of the code, valid, and complete."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest

from lernbus.docs import settings, write
from lernbus.topics import TOPICS
from services.enrolment.events import DOOR, LOG
from shared.events import LMS_EVENTS, OUTCOMES

DOCS = Path(__file__).parents[3] / "docs"
ASYNCAPI = Path(__file__).parents[2] / "support" / "asyncapi-3.0.0.json"


@cache
def document(name: str) -> dict[str, Any]:
    return write.DOCUMENTS[name]()


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return write.generated((DOCS / write.HANDBOOK).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [*write.DOCUMENTS, write.HANDBOOK])
def test_what_is_committed_is_what_the_code_says(files: dict[str, str], name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == files[name], "run `make docs`"


def test_openapi_is_valid() -> None:
    found = document("openapi.json")
    assert found["openapi"].startswith("3.1")
    openapi_spec_validator.validate(found)


def test_asyncapi_is_valid() -> None:
    schema = json.loads(ASYNCAPI.read_text())
    jsonschema.validators.validator_for(schema)(schema).validate(document("asyncapi.json"))


@pytest.mark.parametrize("name", write.DOCUMENTS)
def test_every_reference_leads_somewhere_and_every_schema_is_one(name: str) -> None:
    for place in references(document(name)):
        found: Any = document(name)
        for step in place.removeprefix("#/").split("/"):
            found = found[step]
    for schema in document(name)["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def references(part: Any) -> Iterator[str]:  # noqa: ANN401 (any part of a document)
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for one in part.values():
            yield from references(one)
    elif isinstance(part, list):
        for one in part:
            yield from references(one)


def test_every_topic_and_every_event_is_described() -> None:
    channels = document("asyncapi.json")["channels"]
    assert {*channels} == {*TOPICS}
    assert {*channels[LMS_EVENTS]["messages"]} == {*LOG}
    assert {*channels["enrolment.events"]["messages"]} == {*OUTCOMES}
    assert {*channels["lms.people"]["messages"]} >= {*DOOR} - {*LOG}
    assert {*channels["stats.dead-letters"]["messages"]} == {"dead-letter"}


def test_a_person_s_topic_is_compacted_and_the_others_keep_a_fortnight() -> None:
    channels = document("asyncapi.json")["channels"]
    kept = {topic: one["bindings"]["kafka"]["topicConfiguration"] for topic, one in channels.items()}
    assert kept["lms.people"]["cleanup.policy"] == ["compact"]
    assert kept["enrolment.events"]["retention.ms"] == 14 * 24 * 3_600_000


def test_the_door_tells_its_three_forms_and_its_refusals() -> None:
    push = document("openapi.json")["paths"]["/enrolment/lms/events"]["post"]
    assert {*push["requestBody"]["content"]} == {
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/json",
    }
    events = push["requestBody"]["content"]["application/cloudevents+json"]["schema"]["oneOf"]
    assert [one["$ref"].rpartition("/")[2] for one in events] == [*DOOR]
    assert {"202", "400", "401", "413", "415", "503"} <= {*push["responses"]}


def test_every_operation_has_words_a_tag_and_a_described_answer() -> None:
    for path, operations in document("openapi.json")["paths"].items():
        for operation in operations.values():
            assert operation["description"], path
            assert operation["tags"] == [path.split("/")[1]]
            assert all(one["description"] for one in operation.get("parameters", ())), path
            for status, answer in operation["responses"].items():
                if status not in ("204", "304"):  # these have no content (RFC 9110)
                    assert all(content["schema"] for content in answer["content"].values()), path


def test_examples_of_the_stories_are_valid_events() -> None:
    schemas = document("asyncapi.json")
    for name, data in (
        ("lms.completion.recorded.v1", {"offering_id": "o", "person_id": "p", "completed_at": "2023-05-01T10:00:00Z"}),
        ("lms.organisation.changed.v1", {"organisation_id": "o", "name": "Stadt"}),
    ):
        event = {"specversion": "1.0", "id": "1", "source": "s", "type": name, "time": "2023-05-01T10:00:00Z"}
        rules = jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", **schemas})
        rules.validate({**event, "data": data})
        assert not rules.is_valid({**event, "data": {}})
        assert not rules.is_valid({**event, "data": data, "type": "lms.other.v1"})
        assert not rules.is_valid({**event, "data": data, "id": "a\nb"})


def test_the_table_has_a_line_for_every_default() -> None:
    lines = settings.table().splitlines()
    assert sum("| `LERNBUS_DATABASE` |" in line for line in lines) == 3
    assert "| `LERNBUS_PARTITIONS` | `12` | all |" in settings.table()
    assert "| `LERNBUS_SMTP_PORT` | `25` | notifications |" in settings.table()


def test_a_handbook_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="the handbook lacks"):
        settings.inserted("# Operations")


def test_a_document_that_breaks_something_is_not_written(tmp_path: Path, files: dict[str, str]) -> None:
    (tmp_path / write.HANDBOOK).write_text(files[write.HANDBOOK])
    old = json.loads(files["openapi.json"])
    old["paths"]["/gone"] = old["paths"]["/stats/api/report"]
    (tmp_path / "openapi.json").write_text(json.dumps(old))
    assert [*write.write(tmp_path)] == ["openapi.json: GET /gone: is gone"]
    assert not (tmp_path / "asyncapi.json").exists()
    old["info"]["version"] = "0.9.0"
    (tmp_path / "openapi.json").write_text(json.dumps(old))
    assert not [*write.write(tmp_path)]
    assert (tmp_path / "openapi.json").read_text() == files["openapi.json"]
