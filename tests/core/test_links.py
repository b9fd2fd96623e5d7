"""Links: reference fields as rows, records opened once, the way back."""

import pytest
from sqlalchemy.exc import IntegrityError

from core import links
from core.links import NO_ROW
from tests.core import small

NOW = small.NOW


@pytest.fixture
def database(engine_url):
    found = small.open_database(engine_url)
    yield found
    found.close()


@pytest.fixture
def orders(database):
    return [small.insert(database, small.order(note=str(at))) for at in range(4)]


def shown(database, record, direction="both", kinds=""):
    with database.begin(reading=True) as connection:
        return [(link.name, link.row_id, link.other_id) for link in links.of(connection, record.id, direction, kinds=kinds)]


def test_references_of_fields_and_columns():
    """Every reference field and column is named, empty ones too."""
    record = small.order(part=3, lines=[{"part": 4}, {"part": None}])
    assert links.references_of(record) == {"part": {(NO_ROW, 3)}, "lines.part": {(record.lines[0].id, 4)}}


@pytest.mark.parametrize("known", [True, False])
def test_references_become_what_the_fields_say(database, orders, known):
    """Gone ones go, new ones come, the rest stay as they are; with what they were, or by reading it."""
    first, second, third, fourth = (one.id for one in orders)
    before = {"part": {(NO_ROW, second)}, "lines.part": {(1, second), (2, third)}}
    after = {"part": set(), "lines.part": {(1, second), (2, fourth)}}
    with database.begin() as connection:
        links.replace_references(connection, first, before, {}, at=NOW)
    kept = shown(database, orders[0])[0]
    with database.begin() as connection:
        links.replace_references(connection, first, after, before if known else None, at=NOW)
    assert shown(database, orders[0]) == [kept, ("lines.part", 2, fourth)]
    assert shown(database, orders[1], "in") == [("lines.part", 1, first)]
    assert shown(database, orders[2]) == []


def test_the_other_end_is_described(database, orders):
    """A link tells type, title and state of the record at its other end, from both sides."""
    one, other = orders[:2]
    with database.begin() as connection:
        links.open_link(connection, one.id, other.id, "submit:0", at=NOW)
        [there] = links.of(connection, one.id)
        [back] = links.of(connection, other.id)
    assert (there.other_id, there.type, there.state, there.is_opened) == (other.id, "small.order", "draft", True)
    assert (back.other_id, back.from_id, back.to_id) == (one.id, one.id, other.id)


def test_a_record_is_opened_once_per_step_round_and_row(database, orders):
    """The second link of one round and row is refused by the database; another round or row is another."""
    one, other, third = orders[:3]
    with database.begin() as connection:
        links.open_link(connection, one.id, other.id, "submit:0", at=NOW, round=1)
        links.open_link(connection, one.id, third.id, "submit:0", at=NOW, round=2)
        links.open_link(connection, one.id, third.id, "submit:0", at=NOW, row_id=9, round=1)
        assert links.opened(connection, one.id, "submit:0", round=1) == other.id
        assert links.opened(connection, one.id, "submit:0", round=3) is None
        assert links.opened(connection, one.id, "submit:0", row_id=9) == third.id
    with pytest.raises(IntegrityError), database.begin() as connection:
        links.open_link(connection, one.id, orders[3].id, "submit:0", at=NOW, round=1)


def test_a_step_waits_for_what_it_opened(database, orders):
    """Opened records that are not in a final state of their type are named."""
    one, other, third = orders[:3]
    with database.begin() as connection:
        for to, key in ((other, "submit:0"), (third, "elsewhere:0")):
            links.open_link(connection, one.id, to.id, key, at=NOW)
        assert [link.other_id for link in links.unfinished(connection, one.id, ["submit:0"], {"small.order": ("done",)})] == [other.id]
        assert links.unfinished(connection, one.id, ["submit:0"], {"small.order": ("draft",)}) == []


def test_links_of_a_deleted_draft_go(database, orders):
    """Both ways."""
    one, other = orders[:2]
    with database.begin() as connection:
        links.open_link(connection, one.id, other.id, "button", at=NOW)
        assert links.is_referred_to(connection, other.id)
        links.remove(connection, other.id)
    assert shown(database, one) == []
