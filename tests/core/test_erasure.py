"""Personal data are erased where the law wants it: the values go for good, trail and signatures still verify."""

import json

from sqlalchemy import text

from core import audit


def party(api):
    """A customer with a telephone number, in the register."""
    answer = api("master_data.party_keeper").post(
        "/records/master_data.party", {"code": "C-1", "name": "Hengda", "kinds": ["customer"], "telephone": "0512-5550199",
                                       "contacts": [{"name": "Wang Wei", "telephone": "13800001111"}]})
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def everything(site):
    """Every text that the database holds about records, in one."""
    with site.database.begin(reading=True) as connection:
        tables = ("master_data_party", "master_data_party__contacts", "trail", "signature", "unsent")
        rows = [str(row) for table in tables for row in connection.execute(text(f'SELECT * FROM "{table}"'))]
    return "\n".join(rows)


def test_an_administrator_erases_personal_data_for_good(site, api):
    """Afterwards no table holds the number, the chain verifies, and the trail says who erased and why."""
    made = party(api)
    assert "0512-5550199" in everything(site)
    done = api("core.administrator").post(f"/records/master_data.party/{made['id']}/erasure", {"reason": "Asked for by letter"}, If_Match='"1"')
    assert done.status_code == 200, done.text
    left = everything(site)
    assert "0512-5550199" not in left and "13800001111" not in left
    audit.seal(site.database)
    assert audit.verify(site.database).problems == []
    history = api("core.administrator").get(f"/records/master_data.party/{made['id']}/history").get_json()["items"]
    assert (history[0]["action"], history[0]["reason"]) == ("master_data.party.erased", "Asked for by letter")
    assert "0512-5550199" not in json.dumps(history)


def test_nobody_else_erases(api):
    """Not even who keeps the register."""
    made = party(api)
    assert api("master_data.party_keeper").post(f"/records/master_data.party/{made['id']}/erasure", {"reason": "No"}, If_Match='"1"').status_code == 403


def test_an_erasure_needs_a_reason_and_something_personal(site, api):
    """An item holds nothing personal."""
    made = party(api)
    admin = api("core.administrator")
    assert admin.post(f"/records/master_data.party/{made['id']}/erasure", {"reason": " "}, If_Match='"1"').status_code == 422
    item = api("master_data.item_keeper").post("/records/master_data.item", {"code": "A-1", "name": "Body", "kind": "product", "unit": "pc"}).get_json()
    assert admin.post(f"/records/master_data.item/{item['id']}/erasure", {"reason": "Asked"}, If_Match='"1"').status_code == 422
