"""The life of a record, told of every record type of every plugin: made, refused, moved on, listed, traced, printed, shown, proven.

Nothing here names a plugin but the two that are tests themselves. Samples: `samples.py`; the way through a workflow: `walk.py`.
"""

from __future__ import annotations

import datetime as dt
import html
from decimal import Decimal
from io import BytesIO
from urllib.parse import urlencode

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import update

from core import audit, printing
from core.fields import Computed, Lines
from core.registry import available_plugins, build_registry
from core.signatures import SIGNATURE
from core.site import open_site
from core.storage import store
from tests import sample_plugin
from tests.company import MovableClock
from tests.contract.walk import Walk
from tests.contract.world import World
from tests.core import trial

EXTRA = {"tools": sample_plugin, "trial": trial}
PLUGINS = (*(name for name in available_plugins() if name not in EXTRA), *EXTRA)
REGISTRY = build_registry(PLUGINS, EXTRA)
LANGUAGES = ("zh_CN", "zh_TW", "en")
NO = (403, 404)
NOW = "2026-11-20T09:00:00+08:00"


@pytest.fixture(scope="module")
def world(engine, templates, tmp_path_factory, request):
    """One site for all tests here; at the end nothing is wrong with its trail and its signatures."""
    server = request.getfixturevalue("server") if engine == "postgresql" else None
    folder = tmp_path_factory.mktemp("contract") / "site"
    database = templates.copy(PLUGINS, folder, server, EXTRA)
    with pytest.MonkeyPatch.context() as patch:
        clock = MovableClock(folder.parent / "clock", dt.datetime.fromisoformat(NOW))
        patch.setenv("YUNKONG_NOW", f"@{clock.file}")
        site = open_site(folder, extra=EXTRA)
    yield World(site)
    printing.prints_of(site).close()
    site.close()
    if server is not None:
        server.drop(database)


@pytest.fixture(params=list(REGISTRY.types), scope="module")
def rt(request, world):
    """Each record type in turn."""
    return world.site.registry.types[request.param]


@pytest.fixture
def walk(world, rt):
    """Its walk, made once."""
    if rt.name not in world.walks:
        world.walks[rt.name] = Walk(world, rt).run()
    return world.walks[rt.name]


def path(record):
    return f"/records/{record['type']}/{record['id']}"


# Made and read


def test_a_sample_reads_back_as_it_was_written(world, rt):
    """Every field and every column that was sent, in the form in which the API gives it."""
    made = world.make(rt)
    read = world.read(rt, made["id"])
    for name, sent in world.sent.get(made["id"], {}).items():
        kind = rt.fields[name]
        if not isinstance(kind, Lines):
            assert read[name] == kind.dump(kind.load(sent)), name
            continue
        assert len(read[name]) == len(sent)
        for row, given in zip(read[name], sent, strict=True):
            assert {c: row[c] for c in given} == {c: kind.columns[c].dump(kind.columns[c].load(value)) for c, value in given.items()}
    assert read["version"] == made["version"] and read["type"] == rt.name and read["title"]


def test_a_field_that_is_none_is_refused_with_its_place(world, rt):
    """In the record, and in a row of a table."""
    made = world.make(rt)
    author = world.api(world.author(made))
    answer = author.patch(path(made), {"no_such_field": 1}, f'"{made["version"]}"')
    assert (answer.status_code, [one["where"] for one in answer.json["problems"]]) == (422, ["/no_such_field"])
    for name in rt.lines:
        answer = author.patch(path(made), {name: [{"no_such_column": 1}]}, f'"{made["version"]}"')
        assert (answer.status_code, [one["where"] for one in answer.json["problems"]]) == (422, [f"/{name}/0/no_such_column"])


def test_a_change_needs_the_version_that_was_seen(world, rt):
    """Without one it is 428, with an old one 412; nothing is changed."""
    made = world.make(rt)
    author = world.api(world.author(made))
    assert author.open("PATCH", path(made), {}).status_code == 428
    answer = author.patch(path(made), {}, '"0"')
    assert (answer.status_code, answer.json["version"]) == (412, made["version"])
    assert world.read(rt, made["id"])["version"] == made["version"]


def test_somebody_without_a_role_changes_nothing(world, rt):
    """Neither makes one nor changes one nor takes one away."""
    made = world.make(rt)
    administrator = world.api("core.administrator")
    assert administrator.post(f"/records/{rt.name}", {}).status_code in (*NO, 422 if len(rt.creating_steps) > 1 else 403)
    for step in rt.creating_steps:
        assert administrator.post(f"/records/{rt.name}?step={step}", {}).status_code in NO
    for who in ("outsider", "core.administrator"):
        assert world.api(who).patch(path(made), {}, f'"{made["version"]}"').status_code in NO
        assert world.api(who).delete(path(made), If_Match=f'"{made["version"]}"').status_code in (*NO, 409)
    sent = {"data": {"file": (BytesIO(b"PK"), "list.xlsx")}, "headers": {"Authorization": f"Bearer {administrator.token}"}}
    assert administrator.client.post(f"/api/v1/records/{rt.name}/import", **sent).status_code == (403 if rt.is_register else 422)
    assert world.read(rt, made["id"])["version"] == made["version"]


def test_a_draft_is_deleted_by_its_author_alone_and_then_gone(world, rt):
    """What has a number stays."""
    made = world.make(rt)
    answer = world.api(world.author(made)).delete(path(made), If_Match=f'"{made["version"]}"')
    assert answer.status_code == (204 if made["state"] == "draft" and made["number"] is None else 409)
    there = world.api(world.author(made)).get(path(made)).status_code
    assert there == (404 if answer.status_code == 204 else 200)


# Moved on


def test_every_step_is_taken(walk):
    """By the right person, from the right state, with what its dialog asks; under the choice of a policy that wants it."""
    assert walk.left() == []
    assert walk.rt.void_step is None or walk.taken[-1].step == "void"


def test_every_step_is_refused_to_those_whose_it_is_not(walk):
    """With 403 where they read the record, with 404 where they do not; nothing is changed by it."""
    answers = {(one.step, who): status for one in walk.taken for who, status in one.refused.items()}
    assert answers and {key: status for key, status in answers.items() if status not in NO} == {}


def test_what_waits_for_somebody_stands_in_their_inbox(walk):
    """Of everybody who took a step on a numbered record."""
    assert [one.step for one in walk.taken if one.waited is False] == []


def test_a_number_is_given_once_and_is_nobody_elses(world, walk):
    """From the first step out of draft; kept to the end, void included."""
    if walk.rt.numbering is None:
        return
    numbers: dict[str, str] = {}
    for one in walk.taken:
        if one.after != "draft" or one.number:
            assert one.number and numbers.setdefault(one.record, one.number) == one.number
    assert len(set(numbers.values())) == len(numbers)
    for id, number in numbers.items():
        assert world.read(walk.rt, id)["number"] == number
    every = world.rule(lambda work: [one.number for one in work.find(walk.rt.name, state=tuple(walk.rt.states)) if one.number])
    assert len(set(every)) == len(every)


def numbered(world, walk):
    """The record of the walk that went farthest and is not void; a register's any."""
    last = {one.record: one for one in walk.taken if one.step != "void" and one.number}
    void = {one.record for one in walk.taken if one.step == "void"}
    count = {id: sum(one.record == id for one in walk.taken) for id in last}
    best = max((id for id in last if id not in void), key=lambda id: count[id], default=None)
    return world.read(walk.rt, best or walk.records[0])


# Found again


def test_it_stands_in_the_list_of_those_who_may_read_it(world, walk):
    """By number, by state, by department; others do not find it."""
    record = numbered(world, walk)
    author, other = world.api(world.author(record)), world.api("outsider")
    queries = ({"q": record["number"] or record["title"][:20]}, {"state": record["state"]}, {"department": record["department"]})
    for query in (urlencode(one | {"limit": 200}) for one in queries):
        answer = author.get(f"/records/{walk.rt.name}?{query}")
        assert answer.status_code == 200 and record["id"] in [one["id"] for one in answer.json["items"]], query
        if other.get(path(record)).status_code == 404:
            assert record["id"] not in [one["id"] for one in other.get(f"/records/{walk.rt.name}?{query}").json["items"]]


def test_the_list_filters_by_every_field_that_says_so(world, walk):
    """Each value that the record holds leads to it."""
    record = numbered(world, walk)
    author = world.api(world.author(record))
    for name, kind in walk.rt.fields.items():
        value = record.get(name)
        if kind.filters and value is not None and name not in walk.rt.extended:
            query = urlencode({f"filter[{name}]": str(value).lower() if isinstance(value, bool) else value, "limit": 200})
            answer = author.get(f"/records/{walk.rt.name}?{query}")
            assert answer.status_code == 200 and record["id"] in [one["id"] for one in answer.json["items"]], name


def test_the_trail_tells_every_change(world, walk):
    """From nothing to what the record is now, step by step, without a gap; who took each step, and why."""
    for id in dict.fromkeys(one.record for one in walk.taken):
        events = world.rule(lambda work, id=id: audit.history(work.connection, int(id), newest_first=False))
        told = {}
        for event in events:
            for name, change in event.changes.items():
                told[name] = replayed(walk.rt, name, told.get(name), change)
        record = world.rule(lambda work, id=id: work.get(walk.rt.name, int(id)))
        for name, kind in walk.rt.fields.items():
            if kind.storage is not None or isinstance(kind, Lines):
                assert (told.get(name) or None) == dumped(kind, record.values[name]), name
        assert (told["state"], told.get("number")) == (record.state, record.number)
        taken = [one for one in walk.taken if one.record == id]
        steps = [(event.step, event.actor_id) for event in events if event.step and not (event.cause or {}).get("record")]
        for one in taken:
            assert (one.step, world.user_id(one.by)) in steps, one.step
            wants_reason = one.step == "void" or walk.rt.steps[one.step].asks
            assert not wants_reason or any(event.reason for event in events if event.step == one.step)


def replayed(rt, name, now, change):
    """A value after a change; it must have been as the change says."""
    if not isinstance(rt.fields.get(name), Lines):
        assert (now or None) == (change[0] or None), f"{name}: {now} is not {change[0]}"
        return change[1]
    rows = dict(now or {})
    for row in change.get("removed", ()):
        assert rows.pop(row["id"]) == without_id(row)
    for row in change.get("added", ()):
        rows[row["id"]] = without_id(row)
    for row in change.get("changed", ()):
        for column, (before, after) in row["changes"].items():
            assert (rows[row["id"]].get(column) or None) == (before or None)
            rows[row["id"]] = {c: v for c, v in (rows[row["id"]] | {column: after}).items() if v not in (None, [])}
    return rows


def without_id(row):
    return {name: value for name, value in row.items() if name != "id"}


def dumped(kind, value):
    if not isinstance(kind, Lines):
        return kind.dump(value) or None
    rows = {}
    for row in value or ():
        cells = {name: column.dump(row.values.get(name)) for name, column in kind.stored_columns.items()}
        rows[str(row.id)] = {name: cell for name, cell in cells.items() if cell not in (None, [])}
    return rows or None


# Out of the house


def test_an_export_shows_it(world, walk):
    """As a row of its own, with its number where the type has one."""
    record = numbered(world, walk)
    answer = world.api(world.author(record)).get(f"/records/{walk.rt.name}/export")
    assert answer.status_code == 200
    cells = [str(cell.value) for row in table(answer.get_data()) for cell in row]
    assert (record["number"] or record["id"]) in cells


def table(content):
    book = load_workbook(BytesIO(content))
    rows = list(book.active)
    book.close()
    return rows


def test_what_was_exported_adds_nothing_when_it_comes_back(world, rt):
    """A register's workbook, unchanged, changes nothing; neither does a dry run."""
    if not rt.is_register:
        return
    made = world.make(rt)
    keeper = world.api(world.author(made))
    content = keeper.get(f"/records/{rt.name}/export").get_data()
    before = world.rule(lambda work: [(one.id, one.version) for one in work.find(rt.name, state=("active", "inactive"))])
    for query in ("?dry_run=true", ""):
        answer = keeper.client.post(f"/api/v1/records/{rt.name}/import{query}", data={"file": (BytesIO(content), "list.xlsx")},
                                    headers={"Authorization": f"Bearer {keeper.token}"})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        counts = answer.json["counts"]
        refused = [row for row in answer.json["items"] if row["status"] == "refused"]
        assert (counts["created"], counts["changed"]) == (0, 0) and counts["unchanged"] >= 1, answer.json
        assert all(world.read(rt, row["id"])["state"] == "inactive" for row in refused if row["id"]), refused
    assert world.rule(lambda work: [(one.id, one.version) for one in work.find(rt.name, state=("active", "inactive"))]) == before


def test_every_print_form_gives_a_pdf_with_its_number_and_its_signers(world, walk):
    """As whoever made it prints it; the print stands in the trail."""
    record = numbered(world, walk)
    author = world.api(world.author(record))
    signed = [one for one in author.get(f"{path(record)}/signatures").json["items"] if one["standing"] == "valid"]
    for name, form in walk.rt.prints.items():
        answer = author.get(f"{path(record)}/prints/{name}")
        if form.in_states and record["state"] not in form.in_states:
            assert answer.status_code != 200
            continue
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf"), answer.get_data(as_text=True)[:1000]
        text = "".join("".join(page.extract_text() for page in PdfReader(BytesIO(answer.get_data())).pages).split())
        assert (record["number"] or record["id"]) in text
        for one in signed:
            if one["step"] in form.signed_by:
                assert world.people.name(int(one["by"])) in text
        assert author.get(f"{path(record)}/history").json["items"][0]["action"] == f"{walk.rt.name}.printed"


# On its pages


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_pages_answer_and_hold_its_labels(world, walk, language):
    """List, new, record and edit, in each language."""
    rt, fresh, record = walk.rt, world.make(walk.rt), numbered(world, walk)
    author = world.author(fresh)
    for who in {author, world.author(record)}:
        world.speaks(who, language)

    def text(message):
        return world.site.registry.translations.text(message, language)

    with world.site.work(actor=world.user_id(author), reading=True) as work:
        shown = [rt.fields[name].label for name in work.shown(work.get(rt.name, int(fresh["id"])))]
        open_names = work.writable(work.get(rt.name, int(fresh["id"])), rt)
        new_names = work.writable(None, rt) if work.departments_for(rt) else None
    columns = [rt.fields[name].label for name in rt.columns if name in rt.fields]
    page_holds(world, author, rt.path, [rt.label, *columns], text)
    page_holds(world, author, f"{rt.path}/{fresh['id']}", shown, text)
    page_holds(world, world.author(record), f"{rt.path}/{record['id']}", [rt.states[record["state"]].label], text)
    if new_names is not None:
        page_holds(world, author, f"{rt.path}/new", labels(rt, new_names), text)
    if open_names:
        page_holds(world, author, f"{rt.path}/{fresh['id']}/edit", labels(rt, open_names), text)


def labels(rt, names):
    """The labels of fields and columns that can be there whatever else was filled in."""
    always = {one for section in rt.all_sections.values() if section.when is None for one in section.fields}
    found = [rt.kind_of(name) for name in names if name in always or name.partition(".")[0] in always]
    return [kind.label for kind in found if kind.when is None and not isinstance(kind, Computed)]


def page_holds(world, who, address, wanted, text):
    answer = world.browser(who).get(address)
    body = html.unescape(answer.get_data(as_text=True))
    assert answer.status_code == 200, (address, answer.status_code)
    assert [label for label in wanted if text(label) not in body] == [], address
    answer.close()


# Proven


def test_its_signatures_are_valid_until_a_byte_is_changed(world, walk):
    """In the record under it, or in the signature itself."""
    wanted = {one.step for one in walk.taken if one.step in walk.rt.steps and walk.rt.steps[one.step].signature}
    signed = {}
    for id in walk.records:
        for one in world.rule(lambda work, id=id: work.signatures(work.get(walk.rt.name, int(id)))):
            standing = world.rule(lambda work, id=id, one=one: work.standing(one, work.get(walk.rt.name, int(id))))
            assert standing in ("valid", "withdrawn"), (one.step, standing)
            if standing == "valid":
                signed[one.step] = (int(id), one)
    assert wanted - signed.keys() <= reopened_by_the_walk(walk)
    for step, (id, signature) in signed.items():
        assert standing_after(world, id, signature, update(SIGNATURE).where(SIGNATURE.c.id == signature.id).values(
            snapshot=signature.snapshot.replace(walk.rt.name, "other.type"))) == "broken"
        change = forgery(world, walk.rt, id, step)
        assert change is None or standing_after(world, id, signature, change) == "broken", step


def reopened_by_the_walk(walk):
    """Steps whose signatures were withdrawn by going back, and that were not taken again."""
    return {one.step for one in walk.taken if one.step in walk.rt.steps and walk.rt.steps[one.step].signature} if any(
        one.after == "draft" for one in walk.taken) else set()


def forgery(world, rt, id, step):
    """A statement that changes one signed value of a record; None where the step signs no value that stands in its table."""
    record = world.rule(lambda work: work.get(rt.name, id))
    tables = world.site.database.tables(rt)
    for name in rt.covers(step):
        head, _dot, column = name.partition(".")
        kind = rt.kind_of(name)
        if kind.storage is None or kind.storage.kind == "id":
            continue
        if not column and name in tables.main.c and (value := forged(record.values[name])) is not None:
            return update(tables.main).where(tables.main.c.id == id).values({name: value})
        for row in record.values[head] if column else ():
            if (value := forged(row.values.get(column))) is not None:
                lines = tables.lines[head].table
                return update(lines).where(lines.c.id == row.id).values({column: value})
    return None


def forged(value):
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | Decimal):
        return value + 1
    if isinstance(value, dt.date):
        return value + dt.timedelta(days=31)
    return f"{value[:-1]}~" if isinstance(value, str) and "-W" not in value else None


def standing_after(world, id, signature, change):
    """How a signature stands after a change behind the door's back, which is then undone."""
    class Undo(Exception):
        pass

    found = []
    try:
        with world.site.work(via="cli") as work, work.inside():
            work.connection.execute(change)
            record = store.load(work.connection, work.tables(work.registry.types[rt_name(work, id)]), id)
            fresh = next(one for one in work.signatures(record) if one.id == signature.id)
            found.append(work.standing(fresh, record))
            raise Undo
    except Undo:
        return found[0]


def rt_name(work, id):
    return work.get(None, id).type.name


def test_nothing_is_wrong_with_the_trail_in_the_end(world):
    """After everything that the tests here did."""
    audit.seal(world.site.database)
    report = audit.verify(world.site.database)
    assert report.ok, report.problems
    assert report.unsealed == 0
