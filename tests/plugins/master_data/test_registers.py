"""Items, parties and places: their codes, who keeps them, and the tree of places."""

import pytest

from tests.plugins.company import problems

ITEM, PARTY, PLACE = "master_data.item", "master_data.party", "master_data.place"
ITEM_KEEPER, PARTY_KEEPER, PLACE_KEEPER, READER, SOMEBODY = "songyi", "zhouting", "wumin", "hejing", "chendayong"


def place(company, code, kind, within=None, expect=201):
    """Enter a place."""
    return company[PLACE_KEEPER].create(PLACE, expect, code=code, name=f"Place {code}", kind=kind, lies_in=within and within["id"])


def test_an_item_is_entered_by_its_keeper_alone(company):
    """Everybody reads the register, one role keeps it."""
    values = {"code": "HY-3208", "name": "Valve body", "kind": "product", "unit": "pc", "model": "DN20"}
    company[SOMEBODY].create(ITEM, expect=403, **values)
    item = company[ITEM_KEEPER].create(ITEM, **values)
    assert (item["state"], item["number"], item["title"]) == ("active", "HY-3208", "HY-3208 Valve body")
    assert company[SOMEBODY].read(item)["model"] == "DN20"


def test_a_code_stands_once(company):
    """A second item with the same code is refused."""
    answer = company[ITEM_KEEPER].create(ITEM, expect=422, code="V-50", name="Again", kind="product", unit="pc")
    assert "/code" in problems(answer)


def test_telephone_and_addresses_are_for_those_who_may_see_them(company):
    """For others the values do not exist."""
    party = company[PARTY_KEEPER].create(PARTY, code="C1", name="Water works", kinds=["customer"], contacts=[{"name": "Liang", "telephone": "0571-5550 1201"}],
                                         addresses=[{"use": "office", "address": "18 River Road"}])
    assert company[READER].read(party)["contacts"][0]["telephone"] == "0571-5550 1201"
    seen = company[SOMEBODY].read(party)
    assert seen["name"] == "Water works"
    assert not seen.get("contacts") and not seen.get("addresses")


def test_a_party_may_be_customer_and_supplier(company):
    """The kinds are several."""
    party = company[PARTY_KEEPER].create(PARTY, code="S3", name="Seals", kinds=["supplier", "customer"])
    assert party["kinds"] == ["customer", "supplier"]


def test_places_make_a_tree(company):
    """Premises, building, floor, unit, area and warehouse, each within a fitting one."""
    premises = place(company, "P1", "premises")
    building = place(company, "B1", "building", premises)
    floor = place(company, "F1", "floor", building)
    for code, kind, within in (("U1", "unit", floor), ("A1", "area", premises), ("W1", "warehouse", building), ("W2", "warehouse", None)):
        assert place(company, code, kind, within)["state"] == "active"


@pytest.mark.parametrize(("kind", "within"), [("building", None), ("floor", "premises"), ("premises", "premises"), ("unit", "premises")])
def test_a_place_lies_in_a_fitting_one(company, kind, within):
    """A building without premises, a floor without a building, premises within premises, a house on bare ground: refused."""
    outer = place(company, "P1", "premises") if within else None
    assert "/lies_in" in problems(place(company, "X", kind, outer, expect=422))


def test_a_place_does_not_lie_in_itself(company):
    """Neither directly nor around a corner."""
    premises = place(company, "P1", "premises")
    outer = place(company, "A1", "area", premises)
    inner = place(company, "A2", "area", outer)
    assert "/lies_in" in problems(company[PLACE_KEEPER].change(outer, expect=422, lies_in=outer["id"]))
    assert "/lies_in" in problems(company[PLACE_KEEPER].change(outer, expect=422, lies_in=inner["id"]))


def test_a_place_keeps_what_lies_in_it(company):
    """A building with a floor does not become an area."""
    building = place(company, "B1", "building", place(company, "P1", "premises"))
    place(company, "F1", "floor", building)
    assert "/kind" in problems(company[PLACE_KEEPER].change(building, expect=422, kind="area"))
