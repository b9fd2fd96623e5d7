"""How many SQL statements a request takes, sign-in included: few, and the same however much is there."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from tests.core import trial as plugin
from tests.core.trial.acts import Trial

LINES = [{"what": f"line {n}", "qty": str(n)} for n in range(1, 6)]


@pytest.fixture
def extra():
    """The invented plugin."""
    return {"trial": plugin}


@pytest.fixture
def plugins():
    """It alone."""
    return ("trial",)


@pytest.fixture
def statements(site):
    """Counts what reaches the database: `with statements() as found: …`; the beginning and end of transactions are none."""
    @contextmanager
    def counted():
        found = []

        def note(_connection, _cursor, statement, _parameters, _context, _many):
            if not statement.upper().startswith(("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")):
                found.append(statement)

        event.listen(site.database.engine, "before_cursor_execute", note)
        try:
            yield found
        finally:
            event.remove(site.database.engine, "before_cursor_execute", note)

    return counted


@pytest.fixture
def author(api):
    """Somebody signed in, whose site is warm."""
    found = api("trial.author")
    assert found.get("/me").status_code == 200
    return found


def create(author, subject="Pump"):
    made = author.post("/records/trial.plan", {"subject": subject, "lines": LINES})
    assert made.status_code == 201, made.json
    return made.json


def test_a_record_with_five_lines_is_made_with_few_statements(author, statements):
    """At most 14: session, directory stamp, trail, record, index row, lines and all."""
    create(author, "Warm")
    with statements() as found:
        create(author)
    assert len(found) <= 14, "\n".join(found)


def test_a_step_is_taken_with_few_statements(author, statements):
    """At most 14, with number and signature."""
    with statements() as found:
        step(author, create(author, "Warm"), "submit")
    made = create(author)
    with statements() as found:
        step(author, made, "submit")
    assert len(found) <= 14, "\n".join(found)


def step(author, made, name):
    answer = author.post(f"/records/trial.plan/{made['id']}/transitions/{name}", If_Match=f'"{made["version"]}"')
    assert answer.status_code == 200, answer.json
    return answer.json


def test_a_record_is_read_with_few_statements(author, statements):
    """At most 6, with its lines and the names of what it points at."""
    made = create(author)
    with statements() as found:
        assert author.get(f"/records/trial.plan/{made['id']}").status_code == 200
    assert len(found) <= 6, "\n".join(found)


def test_a_list_is_read_with_few_statements(author, statements):
    """At most 6, and with thirty records as many as with three."""
    counts = []
    for more in (3, 27):
        for number in range(more):
            create(author, f"Pump {more} {number}")
        with statements() as found:
            assert len(author.get("/records/trial.plan?limit=100").json["items"]) in (3, 30)
        counts.append(len(found))
    assert counts[0] == counts[1] <= 6, "\n".join(found)


def test_the_steps_of_a_record_are_told_with_few_statements(author, statements):
    """What may be done now and who could: no statement for each step."""
    made = step(author, create(author), "submit")
    with statements() as found:
        assert author.get(f"/records/trial.plan/{made['id']}/transitions").status_code == 200
    assert len(found) <= 10, "\n".join(found)


def test_the_names_of_many_lines_are_one_statement(site, people, statements):
    """However many records a table points at."""
    trial = Trial(site, people)
    people.give("trial.author", "trial.keeper")
    things = [trial.do("author", lambda work, n=n: work.create("trial.thing", {"name": f"Thing {n}"}).id) for n in range(12)]
    plans = [trial.draft(subject=f"Plan {n}", thing=thing) for n, thing in enumerate(things)]
    with site.work(actor=trial.id("author"), reading=True) as work:
        records = [work.get("trial.plan", id) for id in plans]
        with statements() as found:
            assert len([name for name in work.names(records).values() if name.type == "trial.thing"]) == 12
    assert len(found) <= 2, "\n".join(found)
