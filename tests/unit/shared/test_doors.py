import base64

import pytest
from argon2.exceptions import VerifyMismatchError

from shared.credentials import parse_keys
from shared.doors import NO_KEY, NO_LOGIN, NOBODY, ONLY_SENDING, WRONG, Login, Pass, Refusal, decide, is_foreign
from shared.passwords import HASHER
from tests.unit.shared.test_credentials import HASH, basic, line

KEYS = parse_keys("\n".join([line("lms", "lms-key"), line("https://other.example", "other-key"), line("*", "op-key")]))
USERS = {"bo": HASH}
PUSH, XAPI, PAGE, RAW = "/enrolment/lms/events", "/enrolment/xapi/statements", "/notifications/", "/stats/api/report"


@pytest.mark.parametrize(
    ("path", "header", "verdict"),
    [
        (PUSH, b"Bearer lms-key", Pass("lms")),
        (PUSH, b"Bearer other-key", Pass("https://other.example")),
        (PUSH, b"Bearer op-key", Pass("*")),
        (XAPI, basic("lms:lms-key"), Pass("lms")),
        (XAPI, basic("anything:lms-key"), Pass("lms")),
        (XAPI, basic("https://other.example:other-key"), Pass("https://other.example")),
        (PUSH, None, NO_KEY),
        (PUSH, b"", WRONG),
        (PUSH, b"Bearer lms-key2", WRONG),
        (PUSH, b"Bearer LMS-KEY", WRONG),
        (PUSH, b"Bearer l\xc3\xa4ms-key", WRONG),
        (PUSH, b"Basic \xc3\xa4", WRONG),
        (PUSH, b"lms-key", WRONG),
        (PUSH, basic("lms-key:"), WRONG),
        (PUSH, basic("bo:password"), WRONG),
        (PUSH, b"Bearer " + b"x" * 100_000, WRONG),
        (PAGE, None, NO_LOGIN),
        (PAGE, b"Bearer lms-key", ONLY_SENDING),
        (PAGE, basic("bo:lms-key"), ONLY_SENDING),
        (PAGE, b"Bearer op-key", Pass("*")),
        (PAGE, basic("whoever:op-key"), Pass("*")),
        (PAGE, basic("bo:pass:word"), Login("bo", "pass:word", HASH)),
        (PAGE, basic("Bo:password"), Login("Bo", "password", NOBODY)),
        (PAGE, basic(":password"), WRONG),
        (PAGE, basic("x" * 201 + ":password"), WRONG),
        (PAGE, basic("b\x00o:password"), WRONG),
        (PAGE, b"Basic " + base64.b64encode(b"b\xf6:password"), WRONG),
        (PAGE, b"Bearer wrong", WRONG),
        (RAW, b"Bearer lms-key", ONLY_SENDING),
        ("/enrolment/api/marks", b"Bearer lms-key", ONLY_SENDING),
        ("/enrolment/api/marks", None, NO_LOGIN),
        ("/", None, NO_LOGIN),
        ("/clock", None, NO_LOGIN),
        ("/openapi.json", None, NO_LOGIN),
        ("/nowhere", None, NO_LOGIN),
        ("/enrolment/lms", b"Bearer lms-key", ONLY_SENDING),
        ("//enrolment/lms/events", None, NO_LOGIN),
        ("/ENROLMENT/lms/events", b"Bearer lms-key", ONLY_SENDING),
        ("/enrolment/health/live", None, Pass()),
        ("/stats/health/ready", b"Bearer wrong", Pass()),
        ("/notifications/metrics", None, Pass()),
        ("/notifications/calendar/token.ics", None, Pass()),
        ("/notifications/unsubscribe/token", None, Pass()),
        ("/notifications/unsubscribed", None, NO_LOGIN),
        ("/notifications/approvals/token", None, Pass()),
        ("/notifications/approvals", None, NO_LOGIN),
        ("/notifications/certificates/ABCD-EFGH", None, Pass()),
        ("/notifications/bookings/b1/certificate.pdf", None, NO_LOGIN),
        ("/notifications/healthy", None, NO_LOGIN),
        ("/static/kern/kern.min.css", None, Pass()),
        ("/static", None, NO_LOGIN),
    ],
)
def test_who_may_go_where(path: str, header: bytes | None, verdict: Pass | Refusal | Login) -> None:
    assert decide(path, [] if header is None else [header], KEYS, USERS) == verdict


def test_of_two_headers_none_counts() -> None:
    assert decide(PUSH, [b"Bearer wrong", b"Bearer op-key"], KEYS, USERS) == WRONG
    assert decide(PAGE, [b"Bearer op-key", b"Bearer op-key"], KEYS, USERS) == WRONG


def test_without_keys_no_key_fits() -> None:
    assert decide(PUSH, [b"Bearer op-key"], {}, USERS) == WRONG
    assert decide(PAGE, [basic("bo:op-key")], {}, {}) == Login("bo", "op-key", NOBODY)


def test_an_unknown_users_password_is_computed_like_any_other_and_never_fits() -> None:
    with pytest.raises(VerifyMismatchError):
        HASHER.verify(NOBODY, "")
    assert not HASHER.check_needs_rehash(NOBODY)


HOST = "lernbus.stadt.example"


@pytest.mark.parametrize(
    ("method", "site", "origin", "foreign"),
    [
        ("POST", None, None, False),
        ("POST", "same-origin", None, False),
        ("POST", "none", None, False),
        ("POST", "cross-site", None, True),
        ("POST", "same-site", f"https://{HOST}", True),
        ("POST", "nonsense", None, True),
        ("POST", None, f"https://{HOST}", False),
        ("POST", None, f"https://{HOST.upper()}", False),
        ("POST", None, f"https://{HOST}:8443", True),
        ("POST", None, f"https://{HOST}.evil.example", True),
        ("POST", None, "https://evil.example", True),
        ("POST", None, f"https://evil.example/{HOST}", True),
        ("POST", None, "null", True),
        ("POST", None, "", True),
        ("POST", None, "https://[", True),
        ("PUT", None, "https://evil.example", True),
        ("DELETE", "cross-site", None, True),
        ("PATCH", "cross-site", None, True),
        ("GET", "cross-site", "https://evil.example", False),
        ("HEAD", "cross-site", None, False),
    ],
)
def test_a_page_of_another_site_sends_nothing(method: str, site: str | None, origin: str | None, foreign: bool) -> None:  # noqa: FBT001
    assert is_foreign(method, HOST, site, origin) is foreign


def test_an_origin_is_not_ours_because_both_are_missing() -> None:
    assert is_foreign("POST", "", None, "null")
