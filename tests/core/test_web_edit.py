"""Filling forms without script: what is refused and how, rows one by one, unsent input, both versions, look-ups."""

import re
from datetime import date

import pytest
from werkzeug.datastructures import MultiDict

from tests.company import PASSWORD

PLAN = "/production/monthly_plan"


@pytest.fixture
def plugins():
    """What the plan chain needs."""
    return ("master_data", "stock", "production")


def first_option(kind, reading):
    """Any value that a field takes."""
    return next(iter(kind.choices(reading))) if kind.kind == "choice" else "x" if kind.kind == "text" else None


@pytest.fixture
def item(people):
    """A product that can be planned."""
    with people.work_as("master_data.item_keeper") as work:
        kinds = work.registry.type("master_data.item").fields
        values = {name: first_option(kind, work.reading()) for name, kind in kinds.items() if kind.required}
        return work.create("master_data.item", {**values, "code": "HY-3208", "name": "电磁阀体"})


@pytest.fixture
def planner(client):
    """The planner's browser."""
    return client.sign_in("production.planner")


def row(number, product="HY-3208", quantity="120", day="2026-12-20", workshop="", **more):
    """A row of the grid as a browser posts it."""
    start = f"lines.{number}"
    return {
        "lines.row": str(number), f"{start}.id": "", f"{start}.product": product, f"{start}.planned_qty": quantity, f"{start}.due_date": day,
        f"{start}.workshop": workshop, **{f"{start}.{name}": value for name, value in more.items()},
    }


def form(people, go="save", *rows, **fields):
    """A new plan as a browser posts it."""
    workshop = str(people.department("DEPT1"))
    values = {"go": go, "plan_month": "2026-12", "basis": "产销会纪要", "distribution": workshop, "lines.sent": "1", **fields}
    numbers = []
    for one in rows:
        numbers.append(one["lines.row"])
        values |= {name: value or workshop if name.endswith(".workshop") else value for name, value in one.items() if name != "lines.row"}
    return {**values, "lines.row": numbers}


def page_of(answer):
    """The HTML of an answer."""
    return answer.get_data(as_text=True)


def plans(people):
    """Every plan of the planner, drafts too."""
    with people.work_as("production.planner", reading=True) as work:
        return work.find("production.monthly_plan", state=("draft", "submitted"))


def test_a_code_is_resolved_without_script(planner, people, item):
    """The text field takes code, number or name."""
    answer = planner.post_form(f"{PLAN}/new", form(people, "save", row(0)))
    assert answer.status_code == 303
    (plan,) = plans(people)
    assert answer.headers["Location"] == f"{PLAN}/{plan.id}"
    assert [line.product for line in plan.lines] == [item.id]
    assert plan.plan_month == date(2026, 12, 1)


def test_the_id_a_script_keeps_beside_the_words_counts(planner, people, item):
    """As long as the words are the ones it was kept for."""
    planner.post_form(f"{PLAN}/new", form(people, "save", row(0, "Anything", **{"product@": f"{item.id}=Anything"})))
    (plan,) = plans(people)
    assert plan.lines[0].product == item.id


def test_words_typed_over_a_kept_id_win(planner, people, item):
    """Without script the companion stays behind; it must not be believed."""
    answer = planner.post_form(f"{PLAN}/new", form(people, "save", row(0, "HY-9999", **{"product@": f"{item.id}=HY-3208 电磁阀体"})))
    assert answer.status_code == 422
    assert "HY-9999" in page_of(answer)


def test_a_refused_form_comes_back_as_typed(planner, people, item):
    """Summary with links, title, invalid cell, every word as it was."""
    answer = planner.post_form(f"{PLAN}/new", form(people, "save", row(0), row(4, quantity="12OO"), basis="写了很多字"))
    html = page_of(answer)
    assert answer.status_code == 422
    assert "<title>错误：" in html
    assert 'role="alert"' in html and 'href="#f-lines-4-planned_qty"' in html
    assert "第 2 行" in html
    assert re.search(r'id="f-lines-4-planned_qty"[^>]*value="12OO"[^>]*aria-invalid="true"', html)
    assert "写了很多字" in html
    assert plans(people) == []


def test_a_date_that_does_not_exist_stays_as_typed(planner, people, item):
    """A native date input would swallow it, so it comes back as text."""
    html = page_of(planner.post_form(f"{PLAN}/new", form(people, "save", plan_month="2026-13")))
    assert re.search(r'<input class="in" type="text" value="2026-13"[^>]*aria-invalid="true"', html)


def test_rows_are_added_and_taken_out_by_buttons(planner, people, item):
    """No script needed, nothing typed is lost, nothing is saved."""
    html = page_of(planner.post_form(f"{PLAN}/new", form(people, "row:lines", row(0, quantity="7"))))
    assert html.count('name="lines.row"') == 3  # two rows and the empty one to copy
    assert re.search(r'name="lines.0.planned_qty" value="7"', html)
    html = page_of(planner.post_form(f"{PLAN}/new", form(people, "drop:lines:0", row(0, quantity="7"), row(1, quantity="8"))))
    assert 'name="lines.0.planned_qty"' not in html and re.search(r'name="lines.1.planned_qty" value="8"', html)
    assert plans(people) == []


def test_the_first_button_of_the_form_only_checks(planner, people, item):
    """What Enter presses in a browser without script does not save."""
    html = page_of(planner.get(f"{PLAN}/new"))
    assert re.search(r'<form id="edit-form".*?<button[^>]*name="go" value="(\w+)"', html, re.S)[1] == "check"
    assert planner.post_form(f"{PLAN}/new", form(people, "check", row(0))).status_code == 200
    assert plans(people) == []


def test_save_and_submit_in_one_go(planner, people, item):
    """The step that needs nothing more is taken with the saving."""
    answer = planner.post_form(f"{PLAN}/new", form(people, "step:submit", row(0)))
    (plan,) = plans(people)
    assert (answer.status_code, plan.state) == (303, "submitted")
    assert plan.number


def test_a_refused_submit_keeps_input_and_saves_nothing(planner, people, item):
    """The whole act is undone; the page says where."""
    answer = planner.post_form(f"{PLAN}/new", form(people, "step:submit", row(0, day="")))
    html = page_of(answer)
    assert answer.status_code == 422
    assert 'href="#f-lines-0-due_date"' in html and 'value="120"' in html.replace('value="120.0"', 'value="120"')
    assert plans(people) == []


def test_unsent_input_is_kept_and_comes_back(planner, people, item):
    """Raw values, wrong ones too; saving forgets them."""
    answer = planner.post_form(f"{PLAN}/unsent", form(people, "", row(0, quantity="12OO"), basis="写到一半"), page=f"{PLAN}/new")
    assert re.fullmatch(r"\d\d:\d\d:\d\d", answer.json["saved_at"])
    html = page_of(planner.get(f"{PLAN}/new"))
    assert "写到一半" in html and 'value="12OO"' in html and "已恢复到这里" in html
    planner.post_form(f"{PLAN}/new", form(people, "save", row(0)))
    assert "已恢复到这里" not in page_of(planner.get(f"{PLAN}/new"))


def test_unsent_input_can_be_discarded(planner, people, item):
    """A button, not a habit."""
    planner.post_form(f"{PLAN}/unsent", form(people, "", basis="写到一半"), page=f"{PLAN}/new")
    assert planner.post_form(f"{PLAN}/new", {"go": "fresh"}).headers["Location"] == f"{PLAN}/new"
    assert "写到一半" not in page_of(planner.get(f"{PLAN}/new"))


@pytest.fixture
def draft(people, item):
    """A plan in draft."""
    with people.work_as("production.planner") as work:
        workshop = people.department("DEPT1")
        return work.create("production.monthly_plan", {
            "plan_month": date(2026, 12, 1), "basis": "第一稿", "goals": "目标",
            "lines": [{"product": item.id, "planned_qty": 5, "due_date": date(2026, 12, 20), "workshop": workshop}],
        })


def test_who_comes_second_sees_both_versions(planner, people, draft):
    """Theirs, mine and what stood before; mine is carried on."""
    address = f"{PLAN}/{draft.id}/edit"
    secrets = planner.secrets(address)
    with people.work_as("production.planner") as work:
        work.edit(work.get("production.monthly_plan", draft.id), basis="别人写的", goals="新目标")
    answer = planner.post(address, data={**secrets, "go": "save", "_version": "1", "_record": str(draft.id), "basis": "我写的", "goals": "目标", "plan_month": "2026-12"})
    html = page_of(answer)
    assert answer.status_code == 409
    assert all(words in html for words in ("第一稿", "别人写的", "我写的", "新目标"))
    assert re.search(r'name="_keep.basis" value="mine" checked', html)
    assert re.search(r'name="_keep.goals" value="theirs" checked', html)
    version = re.search(r'name="_version" value="(\d+)"', html)[1]
    merged = planner.post_form(address, {
        "go": "merge", "_version": version, "_record": str(draft.id), "basis": "我写的", "goals": "目标", "_keep.basis": "mine", "_keep.goals": "theirs",
    })
    assert "我写的" in page_of(merged) and "新目标" in page_of(merged)
    saved = planner.post_form(address, {"go": "save", "_version": version, "_record": str(draft.id), "basis": "我写的", "goals": "新目标"})
    assert saved.status_code == 303


def test_autosave_tells_that_somebody_was_first(planner, people, draft):
    """While one still types."""
    secrets = planner.secrets(f"{PLAN}/{draft.id}/edit")
    with people.work_as("production.planner") as work:
        work.edit(work.get("production.monthly_plan", draft.id), goals="新目标")
    answer = planner.post(f"{PLAN}/unsent", data={**secrets, "_record": str(draft.id), "_version": "1", "basis": "我写的"})
    assert answer.json["stale"]


def test_a_row_keeps_its_identity(planner, people, draft):
    """Changing a quantity changes the row, it does not make another."""
    line = draft.lines[0]
    planner.post_form(f"{PLAN}/{draft.id}/edit", {
        "go": "save", "_version": "1", "_record": str(draft.id), "lines.sent": "1", "lines.row": "0", "lines.0.id": str(line.id), "lines.0.planned_qty": "9",
    })
    with people.work_as("production.planner", reading=True) as work:
        (after,) = work.get("production.monthly_plan", draft.id).lines
    assert (after.id, int(after.planned_qty), after.product) == (line.id, 9, line.product)


def test_look_up_finds_by_code_and_name(planner, item):
    """As JSON, for who types."""
    for words in ("HY-32", "阀体"):
        (found,) = planner.get(f"{PLAN}/look-up?field=lines.product&q={words}").json["items"]
        assert found["id"] == str(item.id)
    assert planner.get(f"{PLAN}/look-up?field=lines.product&exact=HY-3208&exact=nothing").json["found"]["nothing"] is None


def test_look_up_answers_for_pointing_fields_alone(planner):
    """Anything else does not exist."""
    assert planner.get(f"{PLAN}/look-up?field=basis&q=x").status_code == 404
    assert planner.get(f"{PLAN}/look-up?field=nothing&q=x").status_code == 404


def test_a_form_sent_twice_makes_one_record(planner, people, item):
    """The second sending is led to where the first one went."""
    data = {**planner.secrets(f"{PLAN}/new"), **form(people, "save", row(0))}
    first, second = (planner.post(f"{PLAN}/new", data=data) for _time in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert len(plans(people)) == 1


def test_who_may_not_create_is_told_who_may(client, people):
    """Role and names."""
    answer = client.sign_in("production.team_leader").get(f"{PLAN}/new")
    assert answer.status_code == 403
    assert "production.planner" in page_of(answer)


def test_every_form_of_every_type_opens(client, people, site):
    """For somebody who may create it."""
    for rt in site.registry.types.values():
        for role in site.registry.roles:
            with people.work_as(role, reading=True) as work:
                may = work.departments_for(rt)
            if may:
                browser = client.sign_in(role)
                answer = browser.get(f"{rt.path}/new")
                assert answer.status_code == 200, (rt.name, page_of(answer)[:3000])
                assert page_of(answer).count('class="btn btn-p"') == 1, rt.name
                browser.sign_out()
                break


def test_three_languages(planner, people):
    """No text of ours is left in English for a Chinese reader, nor the other way round."""
    html = page_of(planner.get(f"{PLAN}/new"))
    assert "存草稿" in html and "Save draft" not in html


def test_a_grid_survives_a_session_that_ended(planner, people, item, clock):
    """Signing in again leads back to the form with every row."""
    data = {**planner.secrets(f"{PLAN}/new"), **form(people, "save", row(0, quantity="12OO"), row(1, quantity="7"), basis="写了很多字")}
    data["lines.row"] = ["0", "1"]
    clock.move(days=40)
    answer = planner.post(f"{PLAN}/new", data=data)
    assert answer.status_code == 401
    kept = MultiDict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page_of(answer)))
    kept.update({"username": people.name(people.id("production.planner")), "password": PASSWORD})
    html = page_of(planner.post("/sign-in", data=kept))
    assert "写了很多字" in html and 'value="12OO"' in html and 'name="lines.1.planned_qty" value="7"' in html
    assert plans(people) == []


def test_a_source_that_is_gone_does_not_hide_the_form(planner, people, draft):
    """Unsent input opened from a record that was deleted meanwhile still comes back."""
    planner.post_form(f"{PLAN}/unsent", {**form(people, "", basis="写到一半"), "_from": f"production.monthly_plan/{draft.id}", "_opens": "next_month"}, page=f"{PLAN}/new")
    with people.work_as("production.planner") as work:
        work.remove(work.get("production.monthly_plan", draft.id))
    answer = planner.get(f"{PLAN}/new")
    assert answer.status_code == 200 and "写到一半" in page_of(answer)
