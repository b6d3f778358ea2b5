"""Streams and what stands between them and the reader."""

import re
from pathlib import Path

from shared import live, pages

TEMPLATE = Path(__file__).parents[3] / "deploy/compose/nginx.conf.template"


def test_the_gateway_waits_longer_than_a_stream_is_silent() -> None:
    gateway = TEMPLATE.read_text()
    [patience] = re.findall(r"\n {8}proxy_read_timeout (\d+)s;", gateway)
    assert int(patience) >= 2 * live.COMMENT_SECONDS
    assert "proxy_buffering off;" in gateway


def test_scripts_come_from_here_alone_and_speak_to_here_alone() -> None:
    policy = dict(one.strip().split(" ", 1) for one in pages.HEADERS["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["connect-src"]) == ("'none'", "'self'", "'self'")
