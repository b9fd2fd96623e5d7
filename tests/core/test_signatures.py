"""Signatures: over the exact version, withdrawn by a step back, broken by any change or copy."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
import rfc8785
from sqlalchemy import select, text, update

from core import audit, files, signatures
from core.audit import Entry, Origin
from core.errors import Problem
from core.signatures import SIGNATURE
from core.storage import RECORD, new_id, store
from tests.core import small

NOW = small.NOW
ORIGIN = Origin(actor_id=7, at=NOW)
LOCKED = small.ORDER.locks("submit")


@pytest.fixture
def database(engine_url):
    found = small.open_database(engine_url)
    yield found
    found.close()


def signed(database, record=None, file_hashes=None):
    """An order, signed and stored as the door does it."""
    record = record or small.order(note="as signed", phone="13800138000", lines=[{"qty": 1, "caller": "Li"}, {"qty": 2}])
    hidden = audit.personal_fields(record.type)
    with database.begin() as connection:
        made = signatures.make(connection, record, step="submit", meaning="Prepared", user_id=7, at=NOW, files=file_hashes or {}, personal=hidden)
        entry = Entry(type="small.order", action="small.order.submitted", record_id=record.id, version=1, signed=made.digest, personal=hidden)
        record.chain = audit.write(connection, ORIGIN, [entry])[record.id]
        store.insert(connection, database.tables(record.type), record)
        signatures.put(connection, made)
    return record, made


def state(database, signature, record, locked=LOCKED):
    with database.begin(reading=True) as connection:
        return signatures.state(connection, signature, record, locked)


def test_the_snapshot_is_canonical(database):
    """It is RFC 8785 JSON of common and declared fields; personal values do not stand in it."""
    record, made = signed(database)
    assert made.snapshot.encode() == rfc8785.dumps(made.signed)
    assert (made.signed["id"], made.signed["version"], made.signed["fields"]["note"]) == (str(record.id), 1, "as signed")
    assert "13800138000" not in made.snapshot
    assert made.digest == signatures.digest_of(made.snapshot)


def test_a_signature_reads_back_and_is_valid(database):
    """What was stored is what was made, and it stands."""
    record, made = signed(database)
    with database.begin(reading=True) as connection:
        assert signatures.of(connection, record.id) == [made]
        stored = store.load(connection, database.tables(record.type), record.id)
    assert state(database, made, stored) == "valid"
    assert signatures.verify(database) == []


@pytest.mark.parametrize("change", [
    {"note": "changed"}, {"phone": "13900139000"}, {"phone": None}, {"month": NOW.date().replace(month=1, day=1)}, {"part": 5}, {"lines": ()},
])
def test_a_changed_field_breaks_it(database, change):
    """Every field that the step locks must equal what was signed."""
    record, made = signed(database)
    record.values |= change
    assert state(database, made, record) == "broken"
    with database.begin(reading=True) as connection:
        assert signatures.broken_fields(connection, made, record, LOCKED) == tuple(change)
    assert state(database, made, record, [name for name in LOCKED if name not in change]) == "valid"


def test_a_changed_row_breaks_it(database):
    """A cell, an order of rows; of single columns only those that are locked count."""
    record, made = signed(database)
    record.lines[0].values["caller"] = "Wang"
    assert state(database, made, record) == "broken"
    assert state(database, made, record, ["lines.qty"]) == "valid"
    assert state(database, made, record, ["lines.caller"]) == "broken"
    record.values["lines"] = record.lines[::-1]
    assert state(database, made, record, ["lines.qty"]) == "broken"


def test_any_changed_byte_breaks_it(database):
    """A hundred random changes of the snapshot, each seen."""
    record, made = signed(database)
    chance = random.Random(1)
    for _time in range(100):
        at = chance.randrange(len(made.snapshot))
        spoilt = made.snapshot[:at] + chance.choice("xyz019") + made.snapshot[at + 1:]
        if spoilt != made.snapshot:
            assert state(database, replace(made, snapshot=spoilt), record) == "broken"


def test_a_copy_on_another_record_is_broken(database):
    """Even with its record id changed to fit."""
    _record, made = signed(database)
    other = small.order(note="as signed", phone="13800138000")
    assert state(database, made, other) == "broken"
    assert state(database, replace(made, record_id=other.id), other) == "broken"
    assert state(database, replace(made, version=2), _record) == "broken"


def test_a_step_back_withdraws(database):
    """The signature stays readable and says which step took it back; another step's stays."""
    record, made = signed(database)
    with database.begin() as connection:
        assert signatures.withdraw(connection, record.id, ["approve"], by_step="send_back", at=NOW) == 0
        assert signatures.withdraw(connection, record.id, ["submit"], by_step="send_back", at=NOW + timedelta(hours=1)) == 1
        assert signatures.withdraw(connection, record.id, ["submit"], by_step="again", at=NOW) == 0
        [stored] = signatures.of(connection, record.id)
    assert (stored.withdrawn_by_step, stored.withdrawn_at) == ("send_back", NOW + timedelta(hours=1))
    record.values["note"] = "open again"
    assert state(database, stored, record) == "withdrawn"
    assert state(database, replace(stored, snapshot=made.snapshot + " "), record) == "broken"


def test_an_erasure_does_not_break_it(database):
    """Once personal values are erased, what remains is still proven."""
    record, made = signed(database)
    with database.begin() as connection:
        entry = Entry(type="small.order", action="small.order.erased", record_id=record.id, version=1, chain=record.chain)
        head = audit.erase(connection, ORIGIN, entry)[record.id]
        connection.execute(RECORD.update().where(RECORD.c.id == record.id).values(chain=head))
    record.values["phone"] = None
    record.lines[0].values["caller"] = None
    assert state(database, made, record) == "valid"
    assert signatures.verify(database) == []
    record.values["note"] = "changed"
    assert state(database, made, record) == "broken"


def test_files_are_signed_too(database, tmp_path):
    """Other bytes under the same file break the signature; damaged bytes are found by the proof."""
    import io

    keeper = files.Store(tmp_path / "files")
    stored = keeper.put(io.BytesIO(b"%PDF-1.7 signed"), "a.pdf")
    with database.begin() as connection:
        file = files.add(connection, stored, 7, NOW)
        other = files.add(connection, keeper.put(io.BytesIO(b"%PDF-1.7 other"), "b.pdf"), 7, NOW)
    record, made = signed(database, small.order(papers=(file.id,)), {file.id: file.sha256})
    assert state(database, made, record) == "valid"
    assert signatures.verify(database, keeper) == []
    with database.begin() as connection:
        connection.execute(update(files.FILE).where(files.FILE.c.id == file.id).values(sha256=other.sha256))
    assert state(database, made, record) == "broken"
    keeper.path(stored.sha256).write_bytes(b"%PDF-1.7 forged")
    assert [p.code for p in signatures.verify(database, keeper)] == ["file-damaged"]


@pytest.mark.parametrize(("deed", "codes"), [
    ("UPDATE signature SET snapshot = snapshot || ' '", {"signature-changed"}),
    ("UPDATE signature SET version = 2", {"signature-changed", "signature-gone"}),
    ("DELETE FROM signature", {"signature-gone"}),
])
def test_tampering_with_the_table_is_found(database, deed, codes):
    """The trail knows the digests: a signature cannot be changed, moved or taken away unseen."""
    signed(database)
    with database.begin() as connection:
        connection.execute(text(deed))
    assert {p.code for p in signatures.verify(database)} == codes


def test_a_forged_signature_is_found(database):
    """A sound signature that no step made is not in the trail."""
    record, made = signed(database)
    with database.begin() as connection:
        forged = signatures.make(connection, record, step="approve", meaning="Approved", user_id=8, at=NOW, files={})
        signatures.put(connection, replace(forged, id=new_id()))
        assert connection.scalar(select(SIGNATURE.c.digest).where(SIGNATURE.c.id == made.id)) == made.digest
    found = signatures.verify(database)
    assert [type(p) for p in found] == [Problem]
    assert found[0].code == "signature-changed"
