"""The plugin to copy: it uses every hook, imports nothing but `core`, and does what its docstrings say."""

import ast
from pathlib import Path

import pytest
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po

from core import audit, demo, hookspecs
from core.config import write_site
from core.registry import build_registry
from core.site import open_site
from tests import sample_plugin
from tests.contract import texts

FOLDER = Path(sample_plugin.__file__).parent
ITEM, LOAN = "/records/master_data.item", "/records/tools.loan"
HOOKS = [name for name in vars(hookspecs) if name.startswith(("register_", "check_", "fill_", "step_"))]


@pytest.fixture
def extra():
    """The sample, as if it were installed."""
    return {"tools": sample_plugin}


@pytest.fixture
def plugins():
    """A site of tools alone, with what they require."""
    return ("tools",)


@pytest.fixture
def people(people):
    """Whoever borrows is an employee."""
    people.give("borrower", "core.employee")
    return people


@pytest.fixture
def tool(api):
    """The id of a wrench that is lent."""
    return new_item(api, code="T-1", tools_is_lent=True)


def new_item(api, **values):
    made = api("master_data.item_keeper").post(ITEM, {"name": "Wrench", "kind": "consumable", "unit": "pcs", **values})
    assert made.status_code == 201, made.json
    return made.json["id"]


def requested(api, tool, who="borrower"):
    """A loan that somebody asked for."""
    made = api(who).post(LOAN, {"tool": tool, "due_on": "2026-11-27"})
    assert made.status_code == 201, made.json
    return step(api, who, made.json["id"], "request")


def step(api, who, id, name, status=200, **body):
    answer = api(who).post(f"{LOAN}/{id}/transitions/{name}", body)
    assert answer.status_code == status, answer.json
    return answer.json


def put_out_of_use(api, tool):
    return api("master_data.item_keeper").post(f"{ITEM}/{tool}/transitions/deactivate", {"reason": "Worn out"})


@pytest.mark.parametrize("hook", HOOKS)
def test_it_answers_every_hook(hook):
    """A hook that an integrator may use is shown in use."""
    registry = build_registry(["tools"], {"tools": sample_plugin})
    assert "tools" in [one.plugin for one in registry.hooks[hook]]


def test_it_imports_core_alone():
    """What a plugin may import is the names of `core`, its own modules and Python's library."""
    taken = set()
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            taken |= {node.module} if isinstance(node, ast.ImportFrom) and not node.level else set()
            taken |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
    assert taken == {"core", "datetime"}


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_text_of_it_is_translated(language):
    """Its own files hold them all."""
    with (FOLDER / "translations" / language / "messages.po").open("rb") as file:
        known = read_po(file)
    used = set()
    for path in FOLDER.rglob("*.py"):
        with path.open("rb") as file:
            found = [text for _line, _function, text, _comments in extract_python(file, {"_": None}, (), {})]
        used |= {text[0] if isinstance(text, tuple) else text for text in found}
    assert used == {message.id for message in known if message.id and message.string}


def test_a_tool_is_asked_for_handed_out_and_taken_back(api, tool):
    """Each step by who may, with a number, a condition asked at the end, and three signatures."""
    loan = requested(api, tool)
    assert (loan["number"], loan["state"]) == ("TL-2026-0001", "requested")
    step(api, "tools.keeper", loan["id"], "hand_out")
    step(api, "tools.keeper", loan["id"], "take_back", 422)
    done = step(api, "tools.keeper", loan["id"], "take_back", fields={"condition": "worn"})
    assert (done["state"], done["condition"]) == ("returned", "worn")
    signed = api("tools.keeper").get(f"{LOAN}/{loan['id']}/signatures").json["items"]
    assert [(one["step"], one["standing"]) for one in signed] == [("request", "valid"), ("hand_out", "valid"), ("take_back", "valid")]


def test_only_tools_are_lent(api):
    """The field of the extension says which items are tools."""
    other = new_item(api, code="M-1")
    answer = api("borrower").post(LOAN, {"tool": other, "due_on": "2026-11-27"})
    assert [(one["where"], one["code"]) for one in answer.json["problems"]] == [("/tool", "reference_where")]


def test_a_tool_is_not_lent_to_two(api, tool):
    """The guard names the loan that it is out with; its clause stands beside."""
    first, second = requested(api, tool), requested(api, tool, "tools.keeper")
    step(api, "tools.keeper", first["id"], "hand_out")
    refused = step(api, "tools.keeper", requested(api, tool)["id"], "hand_out", 422)
    assert [(one["code"], one["clause"]) for one in refused["problems"]] == [("lent", "TL-1")]
    assert "TL-2026-0001" in refused["problems"][0]["what"]
    step(api, "tools.keeper", second["id"], "hand_out", 403)


def test_a_day_that_is_over_is_refused(api, tool):
    """A tool is not asked for only to be due already."""
    made = api("borrower").post(LOAN, {"tool": tool, "due_on": "2026-11-19"}).json
    assert step(api, "borrower", made["id"], "request", 422)["problems"][0]["where"] == "/due_on"


def test_a_tool_that_is_out_stays_in_use(api, tool):
    """`check_step` objects to a step of another plugin's register."""
    loan = requested(api, tool)
    step(api, "tools.keeper", loan["id"], "hand_out")
    assert put_out_of_use(api, tool).status_code == 422
    step(api, "tools.keeper", loan["id"], "take_back", fields={"condition": "good"})
    assert put_out_of_use(api, tool).status_code == 200


def test_nobody_waits_for_a_tool_that_is_put_out_of_use(api, tool):
    """`step_taken` voids the requests in the same transaction; the trail says by which step."""
    loan = requested(api, tool)
    assert put_out_of_use(api, tool).status_code == 200
    assert api("borrower").get(f"{LOAN}/{loan['id']}").json["state"] == "void"
    last = api("borrower").get(f"{LOAN}/{loan['id']}/history").json["items"][0]
    assert last["cause"] == {"record": tool, "step": "master_data.item.deactivate"}


def test_the_report_shows_what_is_out(api, tool, clock):
    """With the days that it is late; its keeper alone reads it."""
    step(api, "tools.keeper", requested(api, tool)["id"], "hand_out")
    clock.move(days=10)
    rows = api("tools.keeper").get("/reports/tools.out").json["items"]
    assert [(row["tool"], row["days_late"]) for row in rows] == [(tool, 3)]
    assert api("tools.keeper").get("/reports/tools.out?due_by=2026-11-26").json["items"] == []
    assert api("borrower").get("/reports/tools.out").status_code in (403, 404)


def test_the_demo_has_tools_one_of_them_lent(engine_url, tmp_path, extra):
    """Filled in through the door, by people, at hours of the past."""
    site = open_site(write_site(tmp_path / "demo", name="Demo", kind="demo", plugins=("tools",), database=engine_url).path, extra=extra)
    site.database.create()
    demo.fill(site)
    with site.work(reading=True) as work, work.inside():
        assert [loan.state for loan in work.find("tools.loan")] == ["lent"]
        assert len([item for item in work.find("master_data.item") if item.tools_is_lent]) == 3
    audit.seal(site.database)
    assert audit.verify(site.database).ok
    site.close()
