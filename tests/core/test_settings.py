"""Facts about policies, settings and the site's own words."""

from __future__ import annotations

import pytest

from core import settings
from core.errors import NotFound
from core.settings import Standing
from tests.core.peopled import Company
from tests.core.test_people import company, refused  # noqa: F401


def decide(it: Company, choice: str, department=None, reason="the manager asked for it") -> None:
    it.do(settings.choose, it.directory(), it.origin(), "plant.approver", choice, department=department, reason=reason)


def test_a_policy_is_decided_for_the_site_or_a_department(company) -> None:  # noqa: F811
    """It is told where each choice comes from, and what held before."""
    assert settings.standings(company.directory(), "plant.approver") == (Standing("a", "default"),)
    decide(company, "b")
    decide(company, "a", company.works)
    it = company.directory()
    assert settings.standings(it, "plant.approver") == (Standing("b", "site"), Standing("a", "department", company.works))
    assert it.choice_before("plant.approver", company.works) == "b"
    assert settings.in_force(it, "plant.approver", company.works) == Standing("a", "department", company.works)
    assert settings.in_force(it, "plant.approver", company.office) == Standing("b", "site")


def test_a_decision_needs_a_reason_and_a_choice_that_there_is(company) -> None:  # noqa: F811
    """And an open department."""
    found = refused(company, settings.choose, company.directory(), company.origin(), "plant.approver", "c", department=3, reason=" ")
    assert found == [("/department", "department-unknown"), ("/reason", "required"), ("/choice", "choice-unknown")]
    with pytest.raises(NotFound):
        company.do(settings.choose, company.directory(), company.origin(), "plant.nothing", "a", reason="x")


def test_a_decision_stands_in_the_trail(company) -> None:  # noqa: F811
    """Who, why, before and after; the same choice again leaves no trace."""
    decide(company, "b", company.works)
    decide(company, "b", company.works)
    told = [one for one in company.trail() if one.action == "core.policy.chosen"]
    assert len(told) == 1
    assert told[0].changes == {"policy": ["plant.approver"] * 2, "department": ["W", "W"], "choice": [None, "b"]}
    assert told[0].reason == "the manager asked for it" and told[0].actor_id == company.admin


def test_a_decision_taken_back_lets_the_one_above_hold(company) -> None:  # noqa: F811
    """With a reason of its own."""
    decide(company, "b", company.works)
    company.do(settings.clear_choice, company.directory(), company.origin(), "plant.approver", department=company.works, reason="as all")
    assert company.directory().choice("plant.approver", company.works) == "a"
    assert company.trail()[0].action == "core.policy.cleared"


@pytest.mark.parametrize(("raw", "code"), [("7", "integer"), (0, "too_small"), (31, "too_large"), (None, "required"), (10**30, "too_large")])
def test_a_setting_takes_what_its_field_takes(company, raw, code) -> None:  # noqa: F811
    """Whatever else is sent is refused with the place."""
    found = refused(company, settings.set_value, company.directory(), company.origin(), "plant.days", raw, reason="x")
    assert found[0][0] == "/value" and len(found) == 1


def test_a_setting_is_set_and_taken_back(company) -> None:  # noqa: F811
    """For the site and for a department."""
    company.do(settings.set_value, company.directory(), company.origin(), "plant.days", 5, reason="shorter")
    company.do(settings.set_value, company.directory(), company.origin(), "plant.days", 3, department=company.works, reason="shorter still")
    it = company.directory()
    assert settings.standings(it, "plant.days") == (Standing(5, "site"), Standing(3, "department", company.works))
    with company.database.begin(reading=True) as connection:
        assert settings.site_value(connection, company.registry, "plant.days") == 5
    company.do(settings.clear_value, company.directory(), company.origin(), "plant.days", reason="back")
    assert settings.standings(company.directory(), "plant.days")[0] == Standing(7, "default")
    assert company.trail()[0].changes["value"] == [5, None]


def test_the_site_calls_things_by_its_own_words(company) -> None:  # noqa: F811
    """Per language; what is not there cannot be called, and an empty word takes it back."""
    company.do(settings.set_word, company.registry, company.origin(), "role", "plant.planner", "en", "Scheduler", reason="our word")
    assert company.directory().word("role", "plant.planner", "en") == "Scheduler"
    found = refused(company, settings.set_word, company.registry, company.origin(), "type", "plant.nothing", "fr", "", reason="x")
    assert found == [("/language", "language"), ("/key", "word-key"), ("/text", "word-form")]
    company.do(settings.set_word, company.registry, company.origin(), "role", "plant.planner", "en", None, reason="no more")
    assert company.directory().word("role", "plant.planner", "en") is None
