"""Signed links in mails: what stands in one cannot be changed or guessed without the key."""

import hashlib
import secrets
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from services.notifications.settings import Settings


class Links:
    """Signs and reads what stands in links, each purpose with signatures of its own."""

    def __init__(self, settings: Settings) -> None:
        key = settings.links_key
        self._key = key.get_secret_value() if key else secrets.token_urlsafe(32)
        self._base = str(settings.public_url).rstrip("/")

    def url(self, path: str) -> str:
        """The whole address of one of our paths."""
        return self._base + path

    def sign(self, purpose: str, *content: str | int) -> str:
        """A token for an address; the same content always gives the same."""
        return str(self._serializer(purpose).dumps(content))

    def read(self, purpose: str, token: str) -> list[Any] | None:
        """What was signed for this purpose, or None where nothing was."""
        try:
            content = self._serializer(purpose).loads(token)
        except BadData:
            return None
        return content if isinstance(content, list) else None

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._key, purpose, signer_kwargs={"digest_method": hashlib.sha256})
