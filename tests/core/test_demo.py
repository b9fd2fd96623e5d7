"""The demo company: who is in it, and that its months can be told."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select

from core import demo
from core.audit import TRAIL
from core.config import write_site
from core.directory import ADMINISTRATOR, EMPLOYEE
from core.registry import build_registry
from core.site import open_site
from core.upgrade import upgrade

SETS = (("master_data",), ("stock",), ("production",))


@pytest.fixture
def empty_site(engine_url, tmp_path, monkeypatch):
    """A function that makes an empty demo site with some plugins."""
    monkeypatch.setenv("YUNKONG_NOW", "2026-11-20T14:20:00+08:00")
    opened = []

    def make(plugins):
        write_site(tmp_path / "site", kind="test", plugins=plugins, database=engine_url)
        opened.append(open_site(tmp_path / "site"))
        upgrade(opened[0].database)
        return opened[0]

    yield make
    for site in opened:
        site.close()


def staff(site):
    """The accounts of the company alone, without its months."""
    company = demo.Company()
    for one in demo.read_data(site.registry).values():
        company.add(one)
    return demo.found(site, company)


@pytest.mark.parametrize("plugins", SETS)
def test_every_role_is_held(empty_site, plugins):
    """Whichever plugins are there, no step is without somebody who can take it."""
    site = empty_site(plugins)
    held = {role.partition("@")[0] for account in staff(site) for role in account.roles}
    assert set(site.registry.roles) - held == {EMPLOYEE}


def test_the_trail_of_the_company_is_in_the_sites_language(empty_site):
    """Reasons are kept as they are written: nobody translates them later."""
    site = empty_site(("stock",))
    staff(site)
    with site.database.begin(reading=True) as connection:
        reasons = set(connection.scalars(select(TRAIL.c.reason).where(TRAIL.c.reason != "")))
    assert reasons == {site.registry.translations.text(demo.REASON, "zh_CN")}


@pytest.mark.parametrize("plugins", SETS)
def test_nobody_holds_two_roles_that_a_rule_keeps_apart(empty_site, plugins):
    """Who submits does not approve."""
    site = empty_site(plugins)
    for account in staff(site):
        held = {role.partition("@")[0] for role in account.roles}
        assert [sorted(pair) for pair in demo.kept_apart(site.registry) if pair <= held] == []


def test_the_administrator_holds_no_business_role(empty_site):
    """They look after the site, not after its work."""
    for account in staff(empty_site(("production",))):
        assert ADMINISTRATOR not in account.roles or account.roles == (ADMINISTRATOR,)


def test_a_role_that_nobody_of_the_company_holds_gets_an_account():
    """So that a plugin without demo data can be tried out too."""
    registry = build_registry(("stock",))
    names = [person.username for person in demo.vacancies(registry, demo.Company(departments={"A": {"code": "A", "name": "A"}}))]
    assert "stock-keeper" in names and "core-administrator" not in names


@pytest.mark.slow
def test_the_months_are_told_in_time(empty_site):
    """In the past of the site's clock, within a minute; then every account gets a new password."""
    site = empty_site(("production",))
    began = time.monotonic()
    first = demo.fill(site)
    assert time.monotonic() - began < 60
    with site.work(reading=True) as work, work.inside():
        plans = {plan.plan_month.isoformat()[:7]: plan.state for plan in work.find("production.monthly_plan")}
        reports = work.find("production.daily_report")
        assert plans == {"2026-09": "closed", "2026-10": "closed", "2026-11": "issued", "2026-12": "submitted"}
        assert len(reports) > 200 and all(report.created_at < work.now for report in reports)
    again = demo.accounts(site)
    assert {one.username for one in again} == {one.username for one in first}
    assert not {one.password for one in again} & {one.password for one in first}
