"""Who uses a served site: a caller of the API, and a browser without JavaScript that fills in forms."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from tests.faults.plant import PASSWORD


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.raw)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.raw.decode()


class Caller:
    """One connection to a served site; a lost one is opened again by the next request. Nothing is ever sent twice by itself."""

    def __init__(self, port: int, timeout: float = 60) -> None:
        self.port = port
        self.timeout = timeout
        self.token = ""
        self._connection: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request; OSError or HTTPException when no whole answer came."""
        connection = self._connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        self._connection = None
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._connection = connection
        return answer

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One call of the API."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(method, f"/api/v1{path}", None if body is None else json.dumps(body).encode(), sent)

    def abandon(self, method: str, path: str, body: Any, **headers: str) -> None:
        """Send a call and go away without waiting for the answer."""
        raw = json.dumps(body).encode()
        sent = {"Host": "127.0.0.1", "Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Content-Length": str(len(raw))}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} /api/v1{path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
        with socket.create_connection(("127.0.0.1", self.port), 10) as one:
            one.sendall("\r\n".join(lines).encode() + raw)

    def sign_in(self, username: str) -> Caller:
        """Take a token."""
        answer = self.call("POST", "/tokens", {"username": username, "password": PASSWORD})
        assert answer.status == 201, answer.text
        self.token = answer.json["token"]
        return self

    def upload(self, name: str, raw: bytes) -> Answer:
        """Upload one file."""
        boundary = "faults-boundary"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        body = head.encode() + raw + f"\r\n--{boundary}--\r\n".encode()
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self.send("POST", "/api/v1/files", body, sent)

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass
class Form:
    """A form on a page, with what stands in it, as a browser would send it."""

    action: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, **values: str) -> list[tuple[str, str]]:
        """What is sent when these fields are filled in; `__` in a name stands for a dot."""
        given = {name.replace("__", "."): value for name, value in values.items()}
        return [(name, value) for name, value in self.fields if name not in given] + list(given.items())


class _Forms(HTMLParser):
    """Finds the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self._form = Form(found.get("action") or "")
            self.forms.append(self._form)
        if self._form is None:
            return
        name = found.get("name") or ""
        if tag == "input" and name:
            if found.get("type") in ("checkbox", "radio") and "checked" not in found:
                return
            if found.get("type") not in ("file", "submit", "button"):
                self._form.fields.append((name, found.get("value") or ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in found:
            self._form.fields.append((self._select, found.get("value") or ""))
        elif tag == "textarea" and name:
            self._textarea = name
            self._form.fields.append((name, ""))

    def handle_data(self, data: str) -> None:
        if self._textarea and self._form is not None:
            name, value = self._form.fields[-1]
            self._form.fields[-1] = (name, value + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""


class Browser(Caller):
    """A browser with cookies."""

    def __init__(self, port: int, timeout: float = 60) -> None:
        super().__init__(port, timeout)
        self.cookies: dict[str, str] = {}

    def twin(self) -> Browser:
        """Another window of the same browser."""
        other = Browser(self.port, self.timeout)
        other.cookies = self.cookies
        return other

    def open(self, path: str) -> Answer:
        """A page."""
        return self._keep(self.send("GET", path, headers=self._headers()))

    def post(self, path: str, fields: Iterable[tuple[str, str]]) -> Answer:
        """A form."""
        sent = self._headers() | {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{self.port}"}
        return self._keep(self.send("POST", path, urlencode(list(fields)).encode(), sent))

    def form(self, path: str, having: str) -> Form:
        """The form on a page that has a certain field."""
        answer = self.open(path)
        assert answer.status == 200, answer.text[:2000]
        return form_in(answer.text, having)

    def sign_in(self, username: str) -> Browser:
        """Sign in by the page."""
        form = self.form("/sign-in", "username")
        answer = self.post(form.action or "/sign-in", form.filled(username=username, password=PASSWORD))
        assert answer.status == 303, answer.text[:2000]
        return self

    def _headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), "Host": f"127.0.0.1:{self.port}"}

    def _keep(self, answer: Answer) -> Answer:
        for line in answer.headers.get_all("Set-Cookie") or ():  # type: ignore[attr-defined]
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or "1970" in morsel["expires"]:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer


def form_in(page: str, having: str) -> Form:
    """The form of a page that has a certain field."""
    parser = _Forms()
    parser.feed(page)
    return next(form for form in parser.forms if any(name == having for name, _value in form.fields))
