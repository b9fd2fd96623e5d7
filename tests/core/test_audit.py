"""The trail: complete, append only, chained, sealed; and every tampering shows."""

import hashlib
import json
import random
import shutil
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core import audit
from core.audit import SEAL, TRAIL, Entry, Origin, personal
from core.errors import Refused
from core.storage import RECORD, new_id, store
from tests.core import small

NOW = small.NOW
ORIGIN = Origin(actor_id=7, at=NOW, via="test", address="192.0.2.1", request_id="r1")


@pytest.fixture
def database(engine_url):
    found = small.open_database(engine_url)
    yield found
    found.close()


def created(database, **values):
    """An order made as the door makes it: trail first, then the record with the head."""
    record = small.order(**values)
    with database.begin() as connection:
        entry = Entry(
            type="small.order", action="small.order.created", record_id=record.id, version=1, changes=audit.creation(record),
            personal=audit.personal_fields(record.type),
        )
        record.chain = audit.write(connection, ORIGIN, [entry])[record.id]
        store.insert(connection, database.tables(record.type), record)
    return record


def changed(database, record, **values):
    """The same order after a change."""
    new = record.copy()
    new.values |= values
    new.before = {name: record.read(name) for name in values}
    with database.begin() as connection:
        entry = Entry(
            type="small.order", action="small.order.changed", record_id=record.id, version=record.version + 1, chain=record.chain,
            changes=audit.differences(record.type, new.changes), personal=audit.personal_fields(record.type),
        )
        new.chain = audit.write(connection, ORIGIN, [entry])[record.id]
        store.update(connection, database.tables(record.type), new, record)
    return new


def told(database, record):
    with database.begin(reading=True) as connection:
        return audit.history(connection, record.id)


def seal(database, rows=None):
    """Seal so many rows, or all: on a PostgreSQL that other tests use too, their open transactions hold the seal back for a moment."""
    done, end = 0, time.monotonic() + 60
    while time.monotonic() < end:
        done += audit.seal(database)
        if rows is None and not audit.verify(database).unsealed:
            break
        if rows is not None and done >= rows:
            break
        time.sleep(0.02)
    return done


def check(database, anchors=None):
    return audit.verify(database, anchors)


# What is kept


def test_creation_tells_every_filled_field(database):
    """The first row holds who, when, from where, and what the record began with."""
    record = created(database, note="first", lines=[{"qty": 2}])
    [event] = told(database, record)
    assert (event.actor_id, event.at, event.via, event.action, event.version) == (7, NOW, "test", "small.order.created", 1)
    assert event.changes["note"] == [None, "first"]
    assert event.changes["month"] == [None, "2026-11"]
    assert event.changes["state"] == [None, "draft"]
    assert event.changes["lines"]["added"] == [{"id": str(record.lines[0].id), "qty": "2"}]


def test_change_tells_before_and_after(database):
    """A change names the field with its values before and after; what did not change is left out."""
    record = changed(database, created(database, note="old"), note="new", month=small.NOW.date().replace(day=1))
    assert told(database, record)[0].changes == {"note": ["old", "new"]}


def test_lines_are_told_row_by_row(database):
    """Added, changed, removed and reordered rows stand in the trail by their ids."""
    record = created(database, lines=[{"qty": 1}, {"qty": 2}, {"qty": 3}])
    first, second, third = record.lines
    fresh = small.row(3, qty=9)
    record = changed(database, record, lines=(small.row(1, id=third.id, qty=3), small.row(2, id=first.id, qty=5), fresh))
    assert told(database, record)[0].changes["lines"] == {
        "added": [{"id": str(fresh.id), "qty": "9"}],
        "changed": [{"id": str(first.id), "changes": {"qty": ["1", "5"]}}],
        "removed": [{"id": str(second.id), "qty": "2"}],
        "order": [[str(first.id), str(third.id)], [str(third.id), str(first.id)]],
    }


def test_several_entries_of_one_record_in_one_work_chain(database):
    """A work that touches a record twice leaves two rows, one on the other."""
    record = small.order()
    entry = Entry(type="small.order", action="small.order.created", record_id=record.id, version=1)
    with database.begin() as connection:
        heads = audit.write(connection, ORIGIN, [entry, replace(entry, action="small.order.submitted")])
        record.chain = heads[record.id]
        store.insert(connection, database.tables(record.type), record)
    assert check(database).ok


def test_a_print_stands_beside_the_chain(database):
    """What changes nothing has no version: it is told and sealed, and comes between nobody who saves meanwhile."""
    record = created(database)
    with database.begin() as connection:
        audit.write(connection, ORIGIN, [Entry(type="small.order", action="small.order.printed", record_id=record.id)])
    changed(database, record, note="saved by somebody who began before the print")
    seal(database)
    assert [event.action for event in told(database, record)] == ["small.order.changed", "small.order.printed", "small.order.created"]
    assert check(database).ok


@pytest.mark.parametrize("reason", ["a\x00b", "\ud800", "x" * 2_001])
def test_a_reason_that_cannot_be_kept_is_refused(database, reason):
    """By whatever way it came, with its place."""
    with pytest.raises(Refused) as refused, database.begin() as connection:
        audit.write(connection, ORIGIN, [Entry(type="core.setting", action="core.setting.changed", reason=reason)])
    assert refused.value.problems[0].where == "reason"


def test_changes_since_a_version(database):
    """Whoever saves a stale record is told what changed meanwhile."""
    record = created(database)
    changed(database, changed(database, record, note="a"), note="b")
    with database.begin(reading=True) as connection:
        assert [event.changes["note"] for event in audit.changed_since(connection, record.id, 1)] == [[None, "a"], ["a", "b"]]


def test_own_row_is_not_among_the_changes_of_others(database, engine):
    """Two save the same version at once: the second is told of the first, not of itself. SQLite never lets them meet."""
    if engine == "sqlite":
        pytest.skip("SQLite has one writer")
    record = created(database)
    with database.begin() as late:
        audit.write(late, ORIGIN, [Entry(type="small.order", action="small.order.changed", record_id=record.id, version=2, changes={"note": [None, "late"]})])
        changed(database, record, note="first")
        assert [event.changes for event in audit.changed_since(late, record.id, 1)] == [{"note": [None, "first"]}]
        late.rollback()


# Append only


@pytest.mark.parametrize("statement", [
    "UPDATE trail SET reason = 'x'", "DELETE FROM trail", "UPDATE seal SET hash = 'x'", "DELETE FROM seal", "TRUNCATE trail CASCADE", "TRUNCATE seal",
])
def test_trail_and_seal_refuse_to_be_changed(database, engine, statement):
    """Neither engine lets a row of the trail or the seal be changed or deleted."""
    if "TRUNCATE" in statement and engine == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    created(database)
    seal(database)
    with pytest.raises(DBAPIError, match="append only"), database.begin() as connection:
        connection.execute(text(statement))


def test_protect_can_be_run_again(database):
    """An upgrade makes the triggers again where they are missing, and twice does no harm."""
    drop_triggers(database)
    for _time in range(2):
        with database.begin() as connection:
            audit.protect(connection)
    created(database)
    with pytest.raises(DBAPIError, match="append only"), database.begin() as connection:
        connection.execute(text("DELETE FROM trail"))


# Personal values


def test_personal_values_are_not_readable_in_the_trail(database):
    """The stored row does not hold the value; the history shows it."""
    record = created(database, phone="13800138000", lines=[{"caller": "Zhang San", "qty": 1}])
    with database.begin(reading=True) as connection:
        stored = connection.scalar(select(TRAIL.c.changes))
    assert "13800138000" not in stored
    assert "Zhang San" not in stored
    [event] = told(database, record)
    assert event.changes["phone"] == [None, "13800138000"]
    assert event.changes["lines"]["added"][0]["caller"] == "Zhang San"


def test_erasure_leaves_the_chain_and_takes_the_values(database):
    """Once the key is gone no value can be read, the chain still verifies, and the erasure is told."""
    record = changed(database, created(database, phone="13800138000", lines=[{"caller": "Zhang San"}]), phone="13900139000")
    seal(database)
    with database.begin() as connection:
        entry = Entry(type="small.order", action="small.order.erased", record_id=record.id, version=record.version, chain=record.chain, reason="asked")
        head = audit.erase(connection, ORIGIN, entry)[record.id]
        connection.execute(RECORD.update().where(RECORD.c.id == record.id).values(chain=head))
        assert audit.is_erased(connection, record.id)
    seal(database)
    erased, change, creation = told(database, record)
    assert (erased.action, erased.reason) == ("small.order.erased", "asked")
    assert change.changes["phone"] == [audit.ERASED, audit.ERASED]
    assert creation.changes["lines"]["added"][0]["caller"] == audit.ERASED
    assert check(database).ok


def test_nothing_personal_is_kept_after_the_erasure(database):
    """A later change of a personal field is told without its values, and no new key is made."""
    record = created(database)
    with database.begin() as connection:
        entry = Entry(type="small.order", action="small.order.erased", record_id=record.id, version=1, chain=record.chain)
        record.chain = audit.erase(connection, ORIGIN, entry)[record.id]
        connection.execute(RECORD.update().where(RECORD.c.id == record.id).values(chain=record.chain))
    changed(database, record, phone="13800138000")
    assert told(database, record)[0].changes == {"phone": audit.ERASED}
    assert check(database).ok


def test_a_protected_value_belongs_to_its_record():
    """Copied to another record, or with another hash, it does not open."""
    key = bytes(range(32))
    protected = personal.protect(key, 1, {"a": ["x", None]})
    assert personal.reveal(key, 1, protected) == {"a": ["x", None]}
    for id, value in ((2, protected), (1, protected | {"hash": "0" * 64})):
        with pytest.raises(ValueError):
            personal.reveal(key, id, value)
    assert personal.protect(key, 1, "x")["hash"] != personal.protect(key, 1, "x")["hash"]


# The seal


def test_seal_chains_everything_once(database):
    """A pass seals what is there; a second pass finds nothing."""
    created(database)
    created(database)
    with database.begin() as connection:
        audit.write(connection, ORIGIN, [Entry(type="core.setting", action="core.setting.changed", changes={"a": [1, 2]})])
    assert check(database).unsealed == 3
    assert (seal(database), audit.seal(database)) == (3, 0)
    report = check(database)
    assert (report.ok, report.rows, report.records, report.sealed, report.unsealed) == (True, 3, 2, 3, 0)


def test_seal_goes_on_over_batches(database, monkeypatch):
    """More rows than one transaction takes are sealed in one pass all the same."""
    monkeypatch.setattr("core.audit.sealing.BATCH", 3)
    with database.begin() as connection:
        audit.write(connection, ORIGIN, [Entry(type="core.setting", action=f"core.setting.changed{at}") for at in range(10)])
    assert seal(database) == 10
    assert check(database).ok


def test_seal_waits_for_open_transactions(database, engine):
    """A row committed after a later one is sealed too, in its turn: nothing slips in before the seal."""
    if engine == "sqlite":
        pytest.skip("SQLite has one writer")
    with database.begin() as early:
        audit.write(early, ORIGIN, [Entry(type="core.setting", action="early")])
        created(database)
        assert audit.seal(database) == 0
    assert seal(database) == 2
    assert check(database).ok


def test_sealers_and_writers_at_once(database):
    """Three sealers follow six writers: every row is sealed once and the proof holds."""
    errors, stop = [], threading.Event()

    def writes():
        try:
            for _at in range(15):
                changed(database, created(database), note="x")
        except Exception as error:
            errors.append(error)

    def seals():
        try:
            while not stop.is_set():
                audit.seal(database)
        except Exception as error:
            errors.append(error)

    writers, sealers = [threading.Thread(target=writes) for _n in range(6)], [threading.Thread(target=seals) for _n in range(3)]
    for thread in (*writers, *sealers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in sealers:
        thread.join()
    assert not errors
    seal(database)
    report = check(database)
    assert report.ok, report.problems
    assert (report.rows, report.sealed, report.unsealed) == (180, 180, 0)


def test_seal_goes_on_in_another_cluster(database, engine):
    """After a restore, transaction ids may begin again below those in the trail: rows of both kinds are sealed."""
    if engine == "sqlite":
        pytest.skip("SQLite counts by itself")
    drop_triggers(database)
    created(database)
    seal(database)
    created(database)
    with database.begin() as connection:
        connection.execute(text("UPDATE trail SET xact = xact + 1000000000"))
        connection.execute(text("DELETE FROM seal"))
        connection.execute(text("INSERT INTO seal SELECT 1, id, 'x' FROM trail ORDER BY xact LIMIT 1"))
    created(database)
    assert seal(database, 2) == 2
    created(database)
    assert seal(database, 1) == 1
    assert audit.seal(database) == 0


def test_anchors_are_appended_once(database, tmp_path):
    """A file of anchors gets a line for each new head, and none twice."""
    path = tmp_path / "outside" / "anchors"
    assert audit.anchor(database, path, NOW) is None
    created(database)
    seal(database)
    first = audit.anchor(database, path, NOW)
    assert audit.anchor(database, path, NOW + timedelta(hours=1)) is None
    created(database)
    seal(database)
    audit.anchor(database, path, NOW + timedelta(hours=2))
    assert [one.seq for one in audit.read_anchors(path)] == [1, 2]
    assert path.read_text().splitlines()[0] == f"1 {first.hash} {NOW.isoformat()}"
    assert check(database, audit.read_anchors(path)).ok


def test_a_spoilt_anchor_does_not_pass(database, tmp_path):
    """A line that is no anchor is one that nothing matches."""
    created(database)
    seal(database)
    (tmp_path / "anchors").write_text("what 12\n")
    assert [p.code for p in check(database, audit.read_anchors(tmp_path / "anchors")).problems] == ["anchor-missing"]


def test_the_export_can_be_proven_elsewhere(database):
    """With nothing but SHA-256 and JSON: every row's hash, every seal, and no personal value in it."""
    record = changed(database, created(database, phone="13800138000"), note="计划")
    seal(database)
    with database.begin(reading=True) as connection:
        rows = list(audit.exported(connection))
        assert [row["seq"] for row in audit.exported(connection, after=1)] == [2]
    before = ""
    for row in json.loads(json.dumps(rows)):
        plain = json.dumps(row["row"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(f"{row['prev']}{plain}".encode()).hexdigest() == row["hash"]
        sealed = f"{before}|{row['seq']}|{row['row']['id']}|{row['order']}|{row['hash']}"
        assert hashlib.sha256(sealed.encode()).hexdigest() == row["sealed"]
        before = row["sealed"]
    assert [row["row"]["record_id"] for row in rows] == [str(record.id)] * 2
    assert "13800138000" not in json.dumps(rows)


def test_deleted_draft_leaves_a_sound_chain(database):
    """A draft that was deleted, and whose trail says so, is no finding; one that vanished is."""
    record, vanished = created(database), created(database)
    for one in (record, vanished):
        with database.begin() as connection:
            if one is record:
                entry = Entry(type="small.order", action="small.order.deleted", record_id=one.id, version=2, chain=one.chain, changes=audit.removal(one))
                audit.write(connection, ORIGIN, [entry])
            store.remove(connection, database.tables(one.type), one)
    assert [p.code for p in check(database).problems] == ["record-gone"]


def test_record_without_trail_is_found(database):
    """A record that was put into the tables directly has no trail."""
    small.insert(database, small.order())
    assert [p.code for p in check(database).problems] == ["record-untold"]


# Tampering


def drop_triggers(database):
    """What somebody with full access would do first."""
    with database.begin() as connection:
        if database.is_sqlite:
            for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            for table in ("trail", "seal"):
                connection.exec_driver_sql(f"DROP TRIGGER {table}_append_only ON {table}")
            connection.exec_driver_sql("ALTER TABLE seal DROP CONSTRAINT fk_seal_trail_id")


class Tamperer:
    """Changes a database as its administrator could, one random deed at a time, and takes it back."""

    def __init__(self, database, seed):
        self.database, self.chance = database, random.Random(seed)
        with database.begin(reading=True) as connection:
            self.trail = [dict(row._mapping) for row in connection.execute(select(TRAIL).order_by(TRAIL.c.xact, TRAIL.c.id))]
            self.seals = [dict(row._mapping) for row in connection.execute(select(SEAL).order_by(SEAL.c.seq))]
            self.heads = dict(connection.execute(select(RECORD.c.id, RECORD.c.chain)).all())

    @property
    def deeds(self):
        return [getattr(self, name) for name in dir(self) if name.startswith("deed_")]

    def row(self):
        return self.chance.choice(self.trail)

    def deed_edit(self, connection):
        """One column of one row, by one character."""
        row = self.row()
        name = self.chance.choice(["type", "action", "step", "reason", "via", "address", "request_id", "changes", "signed", "prev", "hash", "cause"])
        old = row[name]
        place = self.chance.randrange(len(old) + 1)
        new = old[:place] + self.chance.choice("abcdef0123 {}[]") + old[place + self.chance.randrange(2):]
        connection.execute(TRAIL.update().where(TRAIL.c.id == row["id"]).values({name: new if new != old else old + "x"}))

    def deed_edit_number(self, connection):
        """Who, when, for whom, which version, in which order."""
        row = self.row()
        name = self.chance.choice(["record_id", "actor_id", "for_id", "version", "xact"])
        connection.execute(TRAIL.update().where(TRAIL.c.id == row["id"]).values({name: (row[name] or 0) + self.chance.randrange(1, 9)}))

    def deed_edit_time(self, connection):
        row = self.row()
        shift = timedelta(microseconds=self.chance.choice([-1, 1, 10**6, -3600 * 10**6]))
        connection.execute(TRAIL.update().where(TRAIL.c.id == row["id"]).values(at=row["at"] + shift))

    def deed_delete(self, connection):
        """A row, with or without its seal."""
        row = self.row()
        if self.chance.random() < 0.5:
            connection.execute(SEAL.delete().where(SEAL.c.trail_id == row["id"]))
        connection.execute(TRAIL.delete().where(TRAIL.c.id == row["id"]))

    def deed_swap(self, connection):
        """Two rows change places."""
        one, other = self.chance.sample(self.trail, 2)
        names = self.chance.choice([["changes"], ["hash", "prev"], ["xact"], ["at", "actor_id", "changes", "reason", "action"]])
        if all(one[name] == other[name] for name in names):
            names = ["hash"]
        connection.execute(TRAIL.update().where(TRAIL.c.id == one["id"]).values({name: other[name] for name in names}))
        connection.execute(TRAIL.update().where(TRAIL.c.id == other["id"]).values({name: one[name] for name in names}))

    def deed_swap_seals(self, connection):
        one, other = self.chance.sample(self.seals, 2)
        connection.execute(SEAL.update().where(SEAL.c.seq == one["seq"]).values(hash=other["hash"]))
        connection.execute(SEAL.update().where(SEAL.c.seq == other["seq"]).values(hash=one["hash"]))

    def deed_edit_seal(self, connection):
        one = self.chance.choice(self.seals)
        connection.execute(SEAL.update().where(SEAL.c.seq == one["seq"]).values(hash=one["hash"][::-1]))

    def deed_truncate(self, connection):
        """The newest rows go, seals too, and the heads are set back."""
        keep = self.chance.randrange(len(self.trail))
        self._cut(connection, keep)

    def deed_truncate_and_append(self, connection):
        """The newest rows go, and others, sound in themselves, take their places; everything is sealed anew."""
        keep = self.chance.randrange(len(self.trail))
        gone = self._cut(connection, keep)
        heads = dict(connection.execute(select(RECORD.c.id, RECORD.c.chain)).all())
        for row in gone:
            chain = heads.get(row["record_id"], "")
            entry = Entry(
                type=row["type"], action=row["action"], record_id=row["record_id"], version=row["version"], chain=chain, reason=f"{row['reason']} forged",
            )
            heads |= audit.write(connection, ORIGIN, [entry])
        self._set_heads(connection, heads)
        return True

    def deed_rewrite_from_genesis(self, connection):
        """Every row is written anew with sound hashes, one of them changed; records and seals follow."""
        victim = self.chance.randrange(len(self.trail))
        self._cut(connection, 0)
        heads = {}
        for place, row in enumerate(self.trail):
            row = row | {"prev": heads.get(row["record_id"], "") if row["version"] is not None else ""}
            if place == victim:
                row["actor_id"] = 666
            row["hash"] = audit.trail.row_hash(row)
            if row["version"] is not None:
                heads[row["record_id"]] = row["hash"]
            connection.execute(TRAIL.insert(), row)
        self._set_heads(connection, heads)
        return True

    def deed_insert(self, connection):
        """A row is put in among the others."""
        row = self.row() | {"id": new_id(), "reason": "slipped in"}
        row["hash"] = audit.trail.row_hash(row)
        row["xact"] = self.trail[0]["xact"] - (0 if self.trail[0]["xact"] > 1 else 1)
        connection.execute(TRAIL.insert(), row)

    def deed_set_back_head(self, connection):
        id = self.chance.choice(list(self.heads))
        connection.execute(RECORD.update().where(RECORD.c.id == id).values(chain="0" * 64))

    def deed_delete_record(self, connection):
        """A record goes, index row and all, its trail stays."""
        id = self.chance.choice(list(self.heads))
        for table in ("small_order__lines", "small_order"):
            connection.execute(text(f"DELETE FROM {table} WHERE {'record_id' if table.endswith('lines') else 'id'} = :id"), {"id": id})
        connection.execute(RECORD.delete().where(RECORD.c.id == id))

    def deed_delete_record_and_trail(self, connection):
        """A record goes with every row about it; the seals of the others are closed up."""
        id = self.chance.choice(list(self.heads))
        ids = [row["id"] for row in self.trail if row["record_id"] == id]
        self.deed_delete_record_rows(connection, id)
        connection.execute(SEAL.delete().where(SEAL.c.trail_id.in_(ids)))
        connection.execute(TRAIL.delete().where(TRAIL.c.id.in_(ids)))
        return True

    def deed_delete_record_rows(self, connection, id=None):
        id = id or self.chance.choice(list(self.heads))
        for table in ("small_order__lines", "small_order"):
            connection.execute(text(f"DELETE FROM {table} WHERE {'record_id' if table.endswith('lines') else 'id'} = :id"), {"id": id})
        connection.execute(RECORD.delete().where(RECORD.c.id == id))

    def _cut(self, connection, keep):
        kept, gone = self.trail[:keep], self.trail[keep:]
        ids = [row["id"] for row in gone]
        connection.execute(SEAL.delete().where(SEAL.c.trail_id.in_(ids)))
        connection.execute(TRAIL.delete().where(TRAIL.c.id.in_(ids)))
        heads = dict.fromkeys(self.heads, "")
        versions = {}
        for row in kept:
            if row["version"] is not None:
                heads[row["record_id"]], versions[row["record_id"]] = row["hash"], row["version"]
        for id, version in versions.items():
            connection.execute(RECORD.update().where(RECORD.c.id == id).values(version=version))
        self._set_heads(connection, heads)
        return gone

    def _set_heads(self, connection, heads):
        for id, chain in heads.items():
            connection.execute(RECORD.update().where(RECORD.c.id == id).values(chain=chain))


def history_of_a_company(database, records=12):
    """Some orders with their changes, and settings among them; sealed in several passes."""
    for at in range(records):
        record = created(database, note=f"note {at}", phone=f"1380000{at:04}", lines=[{"qty": at}, {"caller": "Li"}])
        for change in range(at % 4):
            record = changed(database, record, note=f"changed {change}")
        with database.begin() as connection:
            audit.write(connection, ORIGIN, [Entry(type="core.setting", action="core.setting.changed", changes={"n": [at, at + 1]}, reason="asked")])
        if at % 3 == 0:
            seal(database)
    seal(database)


def tampered(database, tamperer, anchors):
    """One deed, the sealer going on as if nothing had happened, and what the proof says; everything is then taken back."""
    deed = tamperer.chance.choice(tamperer.deeds)
    connection = database.engine.connect()
    transaction = connection.begin()
    if database.is_sqlite:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    try:
        deed(connection)
        while audit.sealing._seal_batch(connection):
            pass
        report = audit.sealing.prove(connection, anchors)
    finally:
        transaction.rollback()
        connection.close()
    return deed.__name__, report


def test_a_thousand_tamperings_are_all_found(database, tmp_path):
    """Edits, deletions, swaps, cuts, cuts with new ends, a history rewritten whole: each is found with an anchor outside."""
    history_of_a_company(database)
    path = tmp_path / "anchors"
    audit.anchor(database, path, NOW)
    anchors = audit.read_anchors(path)
    assert check(database, anchors).ok
    drop_triggers(database)
    tamperer = Tamperer(database, seed=20261120)
    missed = [name for name, report in (tampered(database, tamperer, anchors) for _time in range(1_000)) if report.ok]
    assert missed == []
    assert check(database, anchors).ok


def test_the_proof_needs_anchors_against_a_rewrite(database):
    """Without an anchor outside, a history rewritten whole looks sound: the docs say so, and this keeps them honest."""
    history_of_a_company(database, 4)
    drop_triggers(database)
    tamperer = Tamperer(database, seed=1)
    connection = database.engine.connect()
    with connection.begin() as transaction:
        tamperer.deed_rewrite_from_genesis(connection)
        audit.sealing._seal_batch(connection)
        assert audit.sealing.prove(connection, ()).ok
        transaction.rollback()
    connection.close()


def test_trail_survives_a_copy_of_the_database(database, engine, tmp_path):
    """A backup of the file verifies as the original does."""
    if engine != "sqlite":
        pytest.skip("PostgreSQL is copied by its own tools")
    history_of_a_company(database, 3)
    database.close()
    shutil.copy(database.url.database, tmp_path / "copy.db")
    copy = small.open_database(f"sqlite:///{tmp_path / 'copy.db'}")
    assert check(copy).ok
    copy.close()
