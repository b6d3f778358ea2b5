"""The report over HTTP, from figures that are told: cross tables, years, ETags, refusals, and its description."""

from typing import Any, cast

import httpx2
import jsonschema
import pytest

from services.stats.answered import Answered
from services.stats.api import YEARS, routes
from services.stats.columns import ALL
from services.stats.settings import Settings
from shared.openapi import Application
from shared.web import install


class Shelf:
    """Reports of a year: as many bookings as its number; only 2023 knows of the organisation D."""

    async def answer(self, year: int) -> Answered:
        told: dict[Any, Any] = {None: {ALL: {"bookings": year}, ("topic", "T"): {"bookings": year}}}
        told["status_group", "Azubis"] = {ALL: {"bookings": None}, ("topic", "T"): {"bookings": None}}
        if year == 2023:
            told["organisation", "D"] = {ALL: {"bookings": year}}
        return Answered(told, state=f"s{year}")


def application() -> Application:
    app = Application()
    install(app)
    app.include_router(routes(cast("Any", Shelf()), Settings()))
    return app


async def get(path: str, **headers: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=application())
    async with httpx2.AsyncClient(transport=transport, base_url="http://test/stats/api") as http:
        return await http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_a_year_is_a_report_and_years_are_reports() -> None:
    one, some = await get("report?year=2023"), await get("report?year=2022&until=2024&organisation=D")
    assert (one.headers["content-type"], one.json()["totals"]["bookings"]) == ("application/json", 2023)
    assert some.headers["content-type"] == YEARS
    told = some.json()
    assert (list(told), told["years"], told["organisation"]) == (
        ["years", "organisation", "reports"],
        [2022, 2023, 2024],
        "D",
    )
    assert [report["totals"]["bookings"] for report in told["reports"]] == [0, 2023, 0]


async def test_a_cross_table_comes_with_the_report() -> None:
    told = (await get("report?year=2023&by=status_group&by=topic")).json()
    assert [(row["key"], row["bookings"]) for row in told["cross"]["rows"]] == [(["Azubis", "T"], None)]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("year=2024&until=2022", 400),
        ("year=2010&until=2024", 400),
        ("year=2023&until=soon", 400),
        ("year=2023&by=topic", 400),
        ("year=2023&by=department&by=status_group", 400),
        ("year=2023&organisation=D&by=topic&by=status_group", 400),
        ("year=2023&organisation=nowhere", 404),
        ("year=2022&until=2024&organisation=nowhere", 404),
    ],
)
async def test_what_cannot_be_answered_is_a_problem_with_a_sentence(query: str, status: int) -> None:
    for path in ("report", "report.csv"):
        found = await get(f"{path}?{query}")
        assert (found.status_code, found.headers["content-type"]) == (status, "application/problem+json")
        assert found.json()["detail"]


@pytest.mark.parametrize(
    "path", ["report?year=2023", "report.csv?year=2022&until=2023", "report.html?year=2023&lang=en"]
)
async def test_who_has_it_gets_nothing_again(path: str) -> None:
    tag = (await get(path)).headers["etag"]
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        found = await get(path, if_none_match=known)
        assert (found.status_code, found.content, found.headers["etag"]) == (304, b"", tag)
    assert (await get(path, if_none_match='"x"')).status_code == 200
    assert (await get("report?year=2024")).headers["etag"] != tag


async def test_a_file_is_named_after_its_years() -> None:
    for query, name in (("year=2023", "lernbus-2023.xlsx"), ("year=2022&until=2024", "lernbus-2022-2024.xlsx")):
        found = await get(f"report.xlsx?{query}")
        assert found.headers["content-disposition"] == f'inline; filename="{name}"'
        assert found.content.startswith(b"PK")


async def test_the_description_fits_the_answers_and_its_examples() -> None:
    document = application().openapi()
    contents = document["paths"]["/stats/api/report"]["get"]["responses"]["200"]["content"]
    for media, content in contents.items():
        rules = jsonschema.Draft202012Validator({**content["schema"], "components": document["components"]})
        assert content["examples"]
        for example in content["examples"].values():
            rules.validate(example["value"])
        rules.validate((await get(f"report?year=2023{'&until=2024' if media == YEARS else ''}")).json())
    assert contents["application/json"]["examples"]["year"]["value"]["organisation"] is None
