"""A site: one folder, one clock, work that is committed whole or not at all."""

import pytest

from core import audit
from core.errors import Faults, NotFound
from core.people import add_department
from core.service import Work
from core.site import Site, open_site


def codes(site: Site) -> set[str]:
    with site.work(reading=True) as work:
        return set(work.directory.by_code)


def test_work_is_committed_at_its_end(site):
    """What was written is there for the next work."""
    with site.work() as work:
        add_department(work.connection, work.origin, code="NEW", name="New")
    assert "NEW" in codes(site)


def test_an_exception_undoes_all_of_the_work(site):
    """Nothing of it is kept."""
    with pytest.raises(RuntimeError), site.work() as work:
        add_department(work.connection, work.origin, code="NEW", name="New")
        raise RuntimeError
    assert "NEW" not in codes(site)


def test_the_clock_is_read_once_per_work(site, clock):
    """Within one work time stands still; the next one sees it moved, back too."""
    with site.work() as first:
        clock.move(days=1)
        assert first.now < clock.now
    with site.work() as second:
        assert (second.now - first.now).days == 1
    clock.move(days=-2)
    with site.work() as third:
        assert third.now < first.now


def test_today_is_the_day_in_the_sites_zone(site, clock):
    """Half past midnight in Shanghai is the new day, although it is yesterday in UTC."""
    clock.set("2026-11-21T00:30:00+08:00")
    with site.work() as work:
        assert work.today.isoformat() == "2026-11-21"


def test_a_session_that_is_none_lets_nobody_act(site):
    """The token says who the actor is; where it is none, nobody is."""
    with site.work(token="no such token") as work:
        assert (work.actor, work.seen) == (None, None)


def test_what_happens_after_the_commit_does_not_happen_without_it(site):
    """A notice goes out only for what was done."""
    told: list[str] = []
    with site.work() as work:
        work.after_commit.append(lambda: told.append("done"))
    with pytest.raises(RuntimeError), site.work() as work:
        work.after_commit.append(lambda: told.append("undone"))
        raise RuntimeError
    assert told == ["done"]


def test_two_processes_see_each_others_people(site, site_folder):
    """The directory in memory is read again as soon as the stamp says so."""
    other = open_site(site_folder)
    assert "NEW" not in codes(other)
    with site.work() as work:
        add_department(work.connection, work.origin, code="NEW", name="New")
    assert "NEW" in codes(other)
    other.close()


def test_a_folder_without_a_site_is_refused(tmp_path):
    """With the command that makes one."""
    with pytest.raises(Faults) as raised:
        open_site(tmp_path)
    assert raised.value.faults[0].code == "config.no_site"


def test_the_people_of_tests_hold_their_roles(site, people, work_as):
    """A role name is a user; a role in another department makes one."""
    with work_as("core.head") as work:
        assert isinstance(work, Work)
        assert work.holds(work.actor, "core.head", people.department("DEPT1"))
    with work_as("core.head", "DEPT2") as work:
        assert work.holds(work.actor, "core.head", people.department("DEPT2"))
        assert not work.holds(work.actor, "core.head", people.department("DEPT1"))


def test_a_type_of_no_enabled_plugin_is_not_there(work_as):
    """Neither to be read nor to be made."""
    with work_as("core.head") as work, pytest.raises(NotFound):
        work.find("nowhere.nothing")


def test_a_record_found_by_a_rule_can_be_changed_without_breaking_its_chain(site, people):
    """What `find` gives carries no chain; what is written on it must hang on it all the same."""
    people.give("keeper", "master_data.item_keeper")
    with people.work_as("keeper") as work:
        work.create("master_data.item", {"code": "A-1", "name": "Gate valve", "unit": "pcs", "kind": "product"})
    with people.work_as("keeper") as work:
        work.edit(work.find("master_data.item", code="A-1")[0], name="Globe valve")
    audit.seal(site.database)
    assert audit.verify(site.database).ok
