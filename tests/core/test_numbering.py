"""Numbers of records: gap-free per series, whoever comes first, whatever is rolled back."""

import random
import threading
from collections import Counter
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest

from core import fields, numbering, patterns, settings
from core.audit import Origin, recent
from core.directory import Contents, Department, Directory
from core.errors import Refused
from core.messages import _
from core.records import Numbering, RecordType
from tests.core import small

TODAY = date(2026, 11, 20)


def numbered(pattern, **options):
    """A type with this pattern and one field of each kind."""
    kinds = {
        "month": fields.Month(_("Month"), required=True),
        "day": fields.Date(_("Day")),
        "name": fields.Text(_("Name"), required=True),
        "phone": fields.Text(_("Phone"), required=True, personal=True),
        "order": fields.Reference(_("Order"), to="small.order", required=True),
        "shop": fields.Department(_("Shop"), required=True),
        "lines": fields.Lines(_("Lines"), columns={"a": fields.Text(_("A"))}, required=True),
    }
    return RecordType(name=f"small.{options.pop('noun', 'thing')}", label=_("Thing"), fields=kinds, numbering=Numbering(pattern), **options)


@pytest.fixture
def database(engine_url):
    found = small.open_database(engine_url)
    yield found
    found.close()


@pytest.fixture
def directory(database):
    return Directory(database.registry, Contents(departments=(Department(5, "W1", "Workshop"),)))


def numbers(database, directory, count=1, **options):
    record = small.order(**options)
    with database.begin() as connection:
        return [numbering.next_number(connection, record.type, record, directory, TODAY) for _at in range(count)]


def test_counter_starts_at_one_and_rises(database, directory):
    """The first number of a series is 01, the next 02."""
    assert numbers(database, directory, 2) == ["SO-202611-01", "SO-202611-02"]


def test_counter_restarts_when_the_rest_changes(database, directory):
    """Another month is another series."""
    numbers(database, directory, 3)
    assert numbers(database, directory, month=date(2026, 12, 1)) == ["SO-202612-01"]
    assert numbers(database, directory) == ["SO-202611-04"]


def test_rollback_gives_the_number_back(database, directory):
    """A number that was not committed is given again."""
    with pytest.raises(RuntimeError), database.begin() as connection:
        record = small.order()
        assert numbering.next_number(connection, record.type, record, directory, TODAY) == "SO-202611-01"
        raise RuntimeError
    assert numbers(database, directory) == ["SO-202611-01"]


def test_full_counter_is_refused_with_a_remedy(database, directory):
    """The hundredth number of a two-digit counter is refused; the series stays at 99."""
    assert numbers(database, directory, 99)[-1] == "SO-202611-99"
    with pytest.raises(Refused) as refused:
        numbers(database, directory)
    assert (refused.value.problems[0].code, bool(refused.value.problems[0].hint)) == ("number-full", True)
    with database.begin() as connection:
        assert connection.execute(numbering.COUNTER.select()).one().value == 99


def test_empty_field_is_refused_by_name(database, directory):
    """A number cannot be made of an empty field."""
    with pytest.raises(Refused) as refused:
        numbers(database, directory, month=None)
    assert [(p.where, p.code) for p in refused.value.problems] == [("month", "number-field")]


def test_number_holds_department_code_and_parents_number(database, directory):
    """`{department.code}`, `{shop.code}` and `{order.number}` stand for what they point at, counted per parent."""
    rt = numbered("{order.number}-{department.code}-{shop.code}-{counter}")
    parent = small.order()
    parent.number = "SO-202611-07"
    small.insert(database, parent)
    child = small.order()
    child.type, child.department = rt, 5
    child.values |= {"order": parent.id, "shop": 5}
    with database.begin() as connection:
        made = [numbering.next_number(connection, rt, child, directory, TODAY) for _at in range(2)]
    assert made == ["SO-202611-07-W1-W1-1", "SO-202611-07-W1-W1-2"]


def test_parent_without_number_is_refused(database, directory):
    """A draft's part cannot be numbered yet."""
    rt = numbered("{order.number}-{counter}")
    parent = small.insert(database, small.order())
    child = small.order()
    child.type = rt
    child.values["order"] = parent.id
    with pytest.raises(Refused) as refused, database.begin() as connection:
        numbering.next_number(connection, rt, child, directory, TODAY)
    assert refused.value.problems[0].where == "order"


def test_today_stands_in_the_number(database, directory):
    """`{today:%Y%m%d}` is the day of the work."""
    rt = numbered("T{today:%Y%m%d}-{counter:03d}")
    record = small.order()
    record.type = rt
    with database.begin() as connection:
        assert numbering.next_number(connection, rt, record, directory, TODAY) == "T20261120-001"


def test_sites_own_pattern_wins(database):
    """A pattern that the site gave a type is the one that counts."""
    own = Directory(database.registry, Contents(words={("number", "small.order", ""): "AB{counter:03d}"}))
    assert numbers(database, own) == ["AB001"]


def test_a_site_gives_a_type_its_own_pattern(database, directory):
    """It counts from then on, stands in the trail, and can be taken back."""
    origin = Origin(actor_id=7, at=small.NOW)
    for text, expected in (("ZZ{month:%y}-{counter:03d}", "ZZ26-001"), (None, "SO-202611-01")):
        with database.begin() as connection:
            numbering.set_pattern(connection, directory, origin, small.ORDER, text, reason="as on paper")
            own = Directory(database.registry, Contents(words=settings.load_words(connection)))
        assert numbers(database, own) == [expected]
    with database.begin(reading=True) as connection:
        assert [event.changes["text"] for event in recent(connection)] == [["ZZ{month:%y}-{counter:03d}", None], [None, "ZZ{month:%y}-{counter:03d}"]]


@pytest.mark.parametrize(("rt", "text", "code"), [
    (small.ORDER, "ZZ{month:%Y", "number-broken"), (small.ORDER, "ZZ", "number-no-counter"), (small.ORDER, "", "number-no-counter"),
    (numbered("A{counter}"), "SO-{today:%Y%m}-{counter:02d}", "number-overlap"),
])
def test_a_wrong_pattern_is_refused(database, rt, text, code):
    """With every fault, overlaps with other types included."""
    registry = SimpleNamespace(types={one.name: one for one in (small.PART, small.ORDER, rt)}, roles={}, functions={})
    with pytest.raises(Refused) as refused, database.begin() as connection:
        numbering.set_pattern(connection, Directory(registry), Origin(actor_id=7, at=small.NOW), rt, text, reason="")
    assert refused.value.problems[0].code == code
    assert refused.value.problems[-1].where == "reason"


def test_typed_number_is_tidied_and_unique(database):
    """A typed number is kept as typed but for its spaces, and stands once."""
    record = small.order()
    record.number = "A 1"
    small.insert(database, record)
    with database.begin() as connection:
        assert numbering.typed_number(connection, small.ORDER, "  A  2 ") == "A 2"
        for text, code in (("A  1", "number-taken"), (" ", "number-empty"), ("x" * 121, "number-too-long"), ("a\u200bb", "number-characters")):
            with pytest.raises(Refused) as refused:
                numbering.typed_number(connection, small.ORDER, text)
            assert refused.value.problems[0].code == code


def test_counted_number_steps_over_typed_ones(database, directory):
    """Where numbers may be typed, the counter skips those that are taken."""
    typed = replace(small.ORDER, numbering=Numbering("X{counter}", typed=True))
    record = small.order()
    record.number = "X1"
    small.insert(database, record)
    with database.begin() as connection:
        assert numbering.next_number(connection, typed, record, directory, TODAY) == "X2"


def test_first_number_of_a_new_series_by_eight_threads(database, directory):
    """Eight threads begin thirty new series at once, a tenth rolled back: no error, no gap, no duplicate."""
    taken, errors, barrier = [], [], threading.Barrier(8)

    def run(seed):
        chance = random.Random(seed)
        for series in range(30):
            barrier.wait()
            while True:
                rolls_back = chance.random() < 0.1
                try:
                    with database.begin() as connection:
                        value = numbering.take(connection, f"series {series}")
                        if rolls_back:
                            raise InterruptedError
                    taken.append((series, value))
                    break
                except InterruptedError:
                    continue
                except Exception as error:
                    errors.append(error)
                    break

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert Counter(taken) == Counter((series, value) for series in range(30) for value in range(1, 9))


# Patterns


@pytest.mark.parametrize(("pattern", "code"), [
    ("A{counter:02d", "number-broken"),
    ("A{nothing}-{counter}", "number-unknown"),
    ("A{month:%Y%m}", "number-no-counter"),
    ("A{counter}{counter}", "number-counters"),
    ("A{counter:5.2f}", "number-format"),
    ("A{day:%Y}-{counter}", "number-optional"),
    ("A{month}-{counter}", "number-format"),
    ("A{month:%B}-{counter}", "number-format"),
    ("A{today}-{counter}", "number-format"),
    ("A{phone}-{counter}", "number-private"),
    ("A{order}-{counter}", "number-kind"),
    ("A{name.number}-{counter}", "number-kind"),
    ("A{lines}-{counter}", "number-kind"),
    ("A{name:%Y}-{counter}", "number-format"),
    ("A{counter!r}", "number-broken"),
])
def test_pattern_faults(pattern, code):
    """Each fault of a pattern is found, with a hint."""
    found = list(patterns.faults(numbered(pattern)))
    assert code in [fault.code for fault in found]
    assert all(fault.hint for fault in found)


@pytest.mark.parametrize("pattern", [
    "MP-{month:%Y%m}-{counter:02d}", "{order.number}-{counter}", "{shop.code}/{today:%y}{counter:04d}", "{department.code}{counter:3}", "{name}-{counter:d}",
])
def test_sound_patterns_have_no_fault(pattern):
    """What the grammar allows is not refused."""
    assert list(patterns.faults(numbered(pattern))) == []


def test_unique_fields_need_no_counter():
    """A register's code is its number where it is unique."""
    assert list(patterns.faults(numbered("{name}", unique=(("name",),)))) == []


@pytest.mark.parametrize(("one", "other", "overlap"), [
    ("MP-{month:%Y%m}-{counter:02d}", "WP-{month:%Y%m}-{counter:02d}", False),
    ("MP-{month:%Y%m}-{counter:02d}", "MP-{today:%Y%m}-{counter:02d}", True),
    ("MP-{month:%Y%m}-{counter:02d}", "MP-{today:%Y%m%d}-{counter:02d}", False),
    ("MP{month:%Y%m}{counter:02d}", "MP{today:%Y%m%d}{counter}", False),
    ("MP{month:%Y%m}{counter:04d}", "MP{today:%Y%m%d}{counter}", True),
    ("{name}-{counter:03d}", "MP-{today:%Y%m}-{counter:02d}", False),
    ("{name}-{counter:02d}", "MP-{today:%Y%m}-{counter:02d}", True),
    ("A{counter}", "B{counter}", False),
    ("A{counter:02d}", "A{counter:03d}", False),
    ("A{counter}", "A{counter:03d}", True),
    ("{order.number}-{counter}", "SO-{today:%Y%m}-{counter:02d}-{month:%Y}", True),
    ("{order.number}-{counter}", "SO-{today:%Y%m}-{counter:03d}", False),
])
def test_patterns_that_could_make_the_same_number(one, other, overlap):
    """Two types whose patterns could meet are refused, others are not."""
    pair = [numbered(one), numbered(other, noun="other"), small.ORDER]
    codes = [fault.code for fault in patterns.overlaps(pair) if "small.order" not in fault.place]
    assert codes == (["number-overlap"] if overlap else [])


def test_fields_of_a_number_are_named():
    """What stands in a number is locked once it is given."""
    assert numbering.locked_fields(numbered("{order.number}-{department.code}-{month:%Y}-{counter}")) == ("order", "department", "month")
