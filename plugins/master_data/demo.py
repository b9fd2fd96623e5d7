"""Items, parties and places of a valve maker."""

from datetime import timedelta

PLAIN = ("code", "name", "kind", "unit", "specification", "model", "material_grade")


def fill(demo):
    """Each register by who keeps it, in the first days of the site."""
    data = demo.data["master_data"]
    day = demo.today - timedelta(days=145)
    with demo.as_user("wumin", day, 9) as work:
        fill_places(work, data["places"])
    with demo.as_user("zhouting", day, 10) as work:
        for party in data["parties"]:
            work.create("master_data.party", party_values(party))
    with demo.as_user("songyi", day, 11) as work:
        for item in [*data["materials"], *products(data)]:
            work.create("master_data.item", {name: item[name] for name in PLAIN if name in item})


def fill_places(work, places):
    """Places, each after the one it lies in."""
    made = {}
    for place in places:
        values = {"code": place["code"], "name": place["name"], "kind": place["kind"], "lies_in": made.get(place.get("parent"))}
        made[place["code"]] = work.create("master_data.place", values).id


def party_values(party):
    """A party with its first contact and its office."""
    values = {name: party[name] for name in ("code", "name", "short_name")}
    contact = {"name": party["contact"], "post": party["post"], "telephone": party["telephone"], "is_first": True}
    return values | {"kinds": tuple(party["kinds"]), "contacts": [contact], "addresses": [{"use": "office", "address": party["address"]}]}


def products(data):
    """Every family in every size: the items that are made."""
    for family in data["families"]:
        for size in family["sizes"]:
            yield {
                "code": f"{family['code']}-DN{size}", "name": f"{family['name']} DN{size}", "kind": family["kind"], "unit": "件",
                "model": family["model"], "specification": family["specification"],
            }
