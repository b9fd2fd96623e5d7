"""Slow senders: while somebody's request is still on its way, everybody else writes."""

import io
import threading

import pytest

KEEPER = "master_data.item_keeper"


class Slow(io.BytesIO):
    """A body during whose arrival somebody else does something."""

    def __init__(self, raw, meanwhile):
        super().__init__(raw)
        self.meanwhile, self.done = meanwhile, None

    def read(self, size=-1):
        if self.done is None:
            other = threading.Thread(target=self.meanwhile, daemon=True)
            other.start()
            other.join(10)
            self.done = not other.is_alive()
        return super().read(size)

    def readinto(self, buffer):
        raw = self.read(len(buffer))
        buffer[: len(raw)] = raw
        return len(raw)


@pytest.fixture
def write(site, people):
    """Somebody writes."""
    actor = people.id(KEEPER)

    def item():
        with site.work(actor=actor, via="test") as work:
            work.create("master_data.item", {"code": "SLOW", "name": "Meanwhile", "kind": "material", "unit": "kg"})

    return item


def multipart(raw, **fields):
    """A form with a file in it, as a browser sends it."""
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    parts.append(b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' + raw + b"\r\n--x--\r\n")
    return b"".join(parts)


@pytest.mark.parametrize(("path", "body", "kind"), [
    ("/files", multipart(b"%PDF-1.7"), "multipart/form-data; boundary=x"),
    ("/records/master_data.item", b'{"code": "A", "name": "B", "kind": "material", "unit": "kg"}', "application/json"),
])
def test_a_slow_call_holds_up_nobody(api, write, path, body, kind):
    """A JSON body or a file that trickles in does not hold the database."""
    caller, slow = api(KEEPER), Slow(body, write)
    answer = caller.client.open(
        f"/api/v1{path}", method="POST", input_stream=slow, content_length=len(body), content_type=kind, headers={"Authorization": f"Bearer {caller.token}"})
    assert (answer.status_code, slow.done) == (201, True)


def test_a_slow_form_holds_up_nobody(client, write):
    """A page's form that trickles in does not hold the database."""
    client.sign_in(KEEPER)
    slow = Slow(b"_csrf=wrong", write)
    client.open("/master_data/item/new", method="POST", input_stream=slow, content_length=11, content_type="application/x-www-form-urlencoded")
    assert slow.done


def test_a_key_tells_two_files_apart(api):
    """The same key with another file is refused, with the same file answered again."""
    caller = api(KEEPER)

    def send(raw):
        headers = {"Authorization": f"Bearer {caller.token}", "Idempotency-Key": "one"}
        return caller.client.open("/api/v1/files", method="POST", data=multipart(raw), content_type="multipart/form-data; boundary=x", headers=headers)

    first = send(b"%PDF-1.7 one")
    assert first.status_code == 201
    assert send(b"%PDF-1.7 one").json == first.json
    assert send(b"%PDF-1.7 two").status_code == 422
