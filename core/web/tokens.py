"""Small signed things that a browser carries: the secret of a form, the visitor before signing in, a message for the next page."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from core.messages import Message

SESSION = "yunkong"
GUEST = "yunkong-guest"
SAID = "yunkong-said"
"""The cookies: the session, a visitor not signed in, what the next page shall say. With https each starts with `__Host-`."""


class Seal:
    """Signs with the site's secret key; each purpose has its own salt."""

    def __init__(self, secret_key: str, is_secure: bool) -> None:
        self._secret_key = secret_key
        self.is_secure = is_secure

    def cookie(self, name: str) -> str:
        """The name of a cookie; the prefix makes browsers refuse it from elsewhere."""
        return f"__Host-{name}" if self.is_secure else name

    def cookie_options(self) -> dict[str, Any]:
        """What every cookie of ours is set with."""
        return {"httponly": True, "samesite": "Lax", "secure": self.is_secure, "path": "/"}

    def csrf_of(self, secret: str) -> str:
        """The form secret of a visitor who is not signed in."""
        return hmac.new(self._secret_key.encode(), f"csrf:{secret}".encode(), hashlib.sha256).hexdigest()

    def new_token(self) -> str:
        """A random token: a visitor, or one sending of a form."""
        return secrets.token_urlsafe(18)

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._secret_key, salt=f"yunkong.{purpose}")

    def put(self, purpose: str, data: Any) -> str:
        """Seal JSON data for one purpose."""
        return str(self._serializer(purpose).dumps(data))

    def take(self, purpose: str, sealed: str | None, seconds: int) -> Any:
        """What was sealed for that purpose not longer ago; None where it is not ours or too old."""
        if not sealed:
            return None
        try:
            return self._serializer(purpose).loads(sealed, max_age=seconds)
        except BadData:
            return None


def packed(message: str) -> str:
    """A message as JSON that keeps its id and values, so that the next page says it in its reader's language."""
    if isinstance(message, Message):
        return json.dumps([message.id, {k: _plain(v) for k, v in message.values.items()}], ensure_ascii=False)
    return json.dumps([message, {}], ensure_ascii=False)


def _plain(value: object) -> object:
    return value if isinstance(value, (str, int, float)) else str(value)


def unpacked(text: str) -> Message:
    """The message again."""
    parts = json.loads(text)
    values: Mapping[str, Any] = parts[1]
    return Message(parts[0], **values)
