"""The command line: what it makes, what it prints, how it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from core import heartbeats
from core.audit import TRAIL
from core.cli import main
from core.cli.frame import language_of
from core.site import open_site

ROOT = Path(__file__).resolve().parents[2]


class Result:
    """What a command said and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def yunkong(capsys, monkeypatch):
    """Runs one command in this process."""
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)

    def run(*arguments: str) -> Result:
        capsys.readouterr()
        code = main(list(map(str, arguments)))
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return run


@pytest.fixture
def at(yunkong, site_folder):
    """Runs one command on the test site."""
    return lambda *arguments: yunkong(*arguments, "--site", site_folder)


@pytest.fixture
def empty_database(engine, engine_url):
    """What `init` is told to make a site on this engine."""
    return () if engine == "sqlite" else ("--database", engine_url)


def test_init_makes_a_site_that_serves(yunkong, tmp_path, empty_database):
    """The folder is private, the administrator can sign in, the doctor finds nothing wrong with the tables."""
    made = yunkong("init", tmp_path / "one", "--kind", "test", "--plugins", "stock", "--json", *empty_database)
    assert made.code == 0, made.err
    assert made.json["site"] == str(tmp_path / "one")
    assert set(made.json["admin"]) == {"username", "password"}
    assert (tmp_path / "one").stat().st_mode & 0o077 == 0
    site = open_site(tmp_path / "one")
    assert set(site.registry.plugins) == {"core", "master_data", "stock"}, "plugins that a named one requires come with it"
    site.close()
    checks = {one["check"]: one["ok"] for one in yunkong("doctor", "--json", "--site", tmp_path / "one").json["checks"]}
    assert checks["Tables"]
    assert checks["Trail"]
    assert not checks["Worker"]


def test_init_never_writes_over_a_site(yunkong, tmp_path):
    """The second call is refused and names the folder."""
    yunkong("init", tmp_path / "one", "--kind", "test", "--plugins", "")
    again = yunkong("init", tmp_path / "one")
    assert again.code == 1
    assert str(tmp_path / "one") in again.err
    assert "[config.exists]" in again.err


def test_init_refuses_an_unknown_plugin_and_makes_nothing(yunkong, tmp_path):
    """Before the folder is there."""
    refused = yunkong("init", tmp_path / "one", "--plugins", "nowhere")
    assert refused.code == 1
    assert "nowhere" in refused.err
    assert not (tmp_path / "one").exists()


@pytest.mark.only_on("postgresql")
def test_init_refuses_a_database_that_holds_a_site(yunkong, tmp_path, engine_url):
    """And takes away the folder that it began."""
    assert yunkong("init", tmp_path / "one", "--kind", "test", "--plugins", "", "--database", engine_url).code == 0
    refused = yunkong("init", tmp_path / "two", "--kind", "test", "--plugins", "", "--database", engine_url)
    assert refused.code == 1
    assert "[config.taken]" in refused.err
    assert not (tmp_path / "two").exists()


def test_a_database_that_does_not_answer_is_refused_with_a_remedy(yunkong, tmp_path):
    """No trace of Python, and the folder is gone again."""
    refused = yunkong("init", tmp_path / "one", "--plugins", "", "--database", "postgresql://nobody@127.0.0.1:1/none")
    assert refused.code == 1
    assert "→" in refused.err
    assert "Traceback" not in refused.err
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize("arguments", [(), ("nowhere",), ("user", "add"), ("init",), ("department", "move", "HQ"), ("run", "--port", "many")])
def test_wrong_usage_ends_with_2(yunkong, arguments):
    """And says how it is used."""
    result = yunkong(*arguments)
    assert result.code == 2
    assert "Usage" in result.err + result.out


def test_a_folder_without_a_site_says_how_to_make_one(yunkong, tmp_path):
    """The remedy is the very command."""
    result = yunkong("user", "list", "--site", tmp_path)
    assert result.code == 1
    assert f"yunkong init {tmp_path}" in result.err


def test_refusals_are_json_where_asked(at):
    """Code, place, remedy, for scripts."""
    result = at("policy", "set", "stock.requisition.approver", "nobody", "--json")
    assert result.code == 1
    problems = {one["where"] for one in result.json["error"]["problems"]}
    assert problems == {"/choice", "/reason"}


def test_the_terminal_speaks_the_language_of_its_user(yunkong, monkeypatch, tmp_path):
    """As LANG says; Taiwan and Hong Kong read traditional characters."""
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "这个文件夹里没有站点" in yunkong("types", "--site", tmp_path).err
    monkeypatch.setenv("LANG", "zh_HK.UTF-8")
    assert "這個資料夾裡沒有" in yunkong("types", "--site", tmp_path).err
    assert language_of({"LANG": "de_DE.UTF-8"}) == language_of({}) == "en"


def test_users_are_made_shown_changed_and_disabled(at):
    """The password is printed once; roles are written as people say them."""
    made = at("user", "add", "zhang", "--name", "张三", "--role", "core.head@DEPT1", "--role", "core.general_manager", "--json")
    assert len(made.json["password"]) >= 12
    listed = {one["username"]: one for one in at("user", "list", "--json").json}
    assert (listed["zhang"]["name"], listed["zhang"]["roles"]) == ("张三", ["core.head@DEPT1", "core.general_manager"])
    roles = at("user", "role", "zhang", "--remove", "core.general_manager", "--add", "core.head@DEPT2", "--json").json["roles"]
    assert roles == ["core.head@DEPT1", "core.head@DEPT2"]
    assert at("user", "password", "zhang", "--json").json["password"] != made.json["password"]
    assert at("user", "disable", "zhang").code == 0
    assert not {one["username"]: one for one in at("user", "list", "--json").json}["zhang"]["active"]


def test_a_password_can_come_from_standard_input(at, monkeypatch):
    """Then it is printed nowhere, and a weak one is refused."""
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("a long walk to the harbour\n"))
    made = at("user", "add", "zhang", "--password-stdin", "--json")
    assert made.code == 0
    assert "password" not in made.json
    monkeypatch.setattr("sys.stdin", io.StringIO("123456\n"))
    assert at("user", "password", "zhang", "--password-stdin").code == 1


@pytest.mark.parametrize("arguments", [
    ("user", "add", "a b"), ("user", "add", "core.head"), ("user", "disable", "nobody"), ("user", "add", "x1", "--role", "no.role@DEPT1"),
    ("user", "add", "x1", "--role", "core.head@NOWHERE"), ("user", "role", "outsider", "--remove", "core.head@DEPT1"),
    ("user", "disable", "core.administrator"), ("department", "add", "HQ", "Again"), ("department", "move", "HQ", "--under", "DEPT1"),
    ("department", "add", "X", "X", "--under", "NOWHERE"), ("function", "bind", "no.function", "HQ", "--reason", "x"),
    ("function", "bind", "core.quality", "NOWHERE", "--reason", "x"), ("setting", "set", "no.setting", "1", "--reason", "x"),
    ("setting", "set", "core.session_idle", "many", "--reason", "x"), ("types", "no.type"), ("plugin", "enable", "nowhere"),
    ("plugin", "disable", "nowhere"), ("plugin", "disable", "master_data"), ("plugin", "test", "nowhere"),
], ids=" ".join)
def test_what_cannot_be_done_is_refused_in_words(at, arguments):
    """With exit code 1, on standard error, without a trace of Python."""
    result = at(*arguments)
    assert result.code == 1, result.out
    assert result.out == ""
    assert result.err.strip()
    assert "Traceback" not in result.err


def test_departments_stand_in_a_tree(at):
    """Added, moved, listed in order."""
    assert at("department", "add", "SHOP", "车间", "--under", "DEPT1").code == 0
    assert at("department", "move", "SHOP", "--under", "DEPT2").code == 0
    listed = {one["code"]: one["under"] for one in at("department", "list", "--json").json}
    assert listed == {"HQ": None, "DEPT1": "HQ", "DEPT2": "HQ", "SHOP": "DEPT2"}
    assert at("department", "move", "SHOP", "--to-top").code == 0
    assert {one["code"]: one["under"] for one in at("department", "list", "--json").json}["SHOP"] is None


def test_functions_policies_and_settings_are_set_with_a_reason(at):
    """For the site, or for one department; the trail keeps the reason."""
    assert at("function", "bind", "core.quality", "DEPT2", "--for", "DEPT1", "--reason", "new laboratory").code == 0
    quality = {one["name"]: one for one in at("function", "list", "--json").json}["core.quality"]
    assert (quality["departments"], quality["for"]) == (["DEPT1"], {"DEPT1": ["DEPT2"]})
    assert at("policy", "set", "stock.requisition.approver", "supervisor", "--department", "DEPT1", "--reason", "small plant").code == 0
    policy = {one["name"]: one for one in at("policy", "list", "--json").json}["stock.requisition.approver"]
    assert policy["departments"] == [{"department": "DEPT1", "choice": "supervisor"}]
    assert at("setting", "set", "core.session_idle", "45", "--reason", "shared screens").code == 0
    assert {one["name"]: one["value"] for one in at("setting", "list", "--json").json}["core.session_idle"] == 45


def test_what_the_terminal_changes_stands_in_the_trail(at, site):
    """By nobody's account, through the command line."""
    at("department", "add", "SHOP", "车间", "--reason", "new building")
    with site.database.begin(reading=True) as connection:
        last = connection.execute(TRAIL.select().order_by(TRAIL.c.id.desc()).limit(1)).one()
    assert (last.action, last.reason, last.via, last.actor_id) == ("core.department.added", "new building", "cli", None)


def test_every_listing_is_a_table_for_people_and_json_for_machines(at):
    """Headings and rows, or a list of objects."""
    for what in (("user", "list"), ("department", "list"), ("function", "list"), ("policy", "list"), ("setting", "list"), ("plugin", "list"), ("types",)):
        table, data = at(*what), at(*what, "--json").json
        assert table.code == 0
        assert isinstance(data, list)
        assert len(table.out.splitlines()) == len(data) + 1


def test_a_type_is_shown_with_its_fields_and_steps(at):
    """Columns of lines among them."""
    told = at("types", "stock.requisition", "--json").json
    assert {"lines", "lines.material"} <= {one["name"] for one in told["fields"]}
    assert {"submit", "approve", "issue"} <= {one["name"] for one in told["steps"]}
    assert "lines.material" in at("types", "stock.requisition").out


def test_a_fresh_site_needs_no_upgrade(at):
    """Neither shown nor done."""
    assert at("upgrade", "--dry-run", "--json").json == {"changes": [], "refused": [], "done": False}
    assert at("upgrade", "--json").json["done"]


def test_the_trail_is_proven_and_a_changed_row_is_found(at, site, engine):
    """Exit code 1 and the place, once somebody has been at the database."""
    assert at("audit", "verify", "--json").json["ok"]
    with site.database.begin() as connection:
        if engine == "sqlite":
            triggers = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type='trigger' AND tbl_name='trail'").scalars().all()
            for name in triggers:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("ALTER TABLE trail DISABLE TRIGGER ALL")
        connection.exec_driver_sql("UPDATE trail SET reason='forged' WHERE id=(SELECT min(id) FROM trail)")
    result = at("audit", "verify", "--json")
    assert result.code == 1
    assert {one["code"] for one in result.json["problems"]} == {"row-changed"}


def test_lists_and_registers_travel_as_excel(at, people, tmp_path):
    """What was exported comes back unchanged; a user without the right is refused; no file is no workbook."""
    people.give("keeper", "master_data.item_keeper")
    with people.work_as("keeper") as work:
        work.create("master_data.item", {"code": "A-1", "name": "Gate valve", "unit": "pcs", "kind": "product"})
    file = tmp_path / "items.xlsx"
    assert at("export", "master_data.item", file, "--as", "keeper").code == 0
    again = at("import", "master_data.item", file, "--as", "keeper", "--json", "--marked", tmp_path / "back.xlsx")
    assert again.json["counts"] == {"created": 0, "changed": 0, "unchanged": 1, "refused": 0}
    assert (tmp_path / "back.xlsx").stat().st_size > 1000
    assert at("import", "master_data.item", file, "--as", "core.employee").code == 1
    (tmp_path / "none.xlsx").write_text("no workbook")
    assert at("import", "master_data.item", tmp_path / "none.xlsx", "--as", "keeper").code == 1


# Plugins


def test_all_declarations_are_checked(yunkong):
    """No fault in any plugin that can be found."""
    told = yunkong("plugin", "check", "--json")
    assert told.code == 0
    assert "stock.requisition" in told.json["types"]


@pytest.mark.parametrize("plugins", [("master_data",)])
def test_a_plugin_is_switched_on_and_off_and_its_data_stay(at, site_folder):
    """Its tables come, stay when it goes, and are there when it comes again."""
    on = at("plugin", "enable", "stock", "--json")
    assert on.code == 0, on.err
    assert any("stock_requisition" in one for one in on.json["changes"])
    assert "stock" in {one["name"] for one in at("plugin", "list", "--json").json if one["enabled"]}
    assert at("plugin", "disable", "stock", "--json").json["plugins"] == ["master_data"]
    assert at("types", "stock.requisition").code == 1
    assert at("plugin", "enable", "stock", "--json").json["changes"] == []
    assert tomllib.loads((site_folder / "site.toml").read_text())["plugins"] == ["master_data", "stock"]


@pytest.mark.parametrize("plugins", [("master_data", "stock")])
def test_a_plugin_is_uninstalled_only_while_it_is_empty(at, people, site):
    """Records are evidence: with one, it can only be switched off."""
    from sqlalchemy import inspect

    assert at("plugin", "uninstall", "stock").code == 1, "not without --yes"
    assert inspect(site.database.engine).has_table("stock_requisition")
    gone = at("plugin", "uninstall", "stock", "--yes", "--json")
    assert "stock_requisition" in gone.json["dropped"]
    people.give("keeper", "master_data.item_keeper")
    with people.work_as("keeper") as work:
        work.create("master_data.item", {"code": "A-1", "name": "Gate valve", "unit": "pcs", "kind": "product"})
    refused = at("plugin", "uninstall", "master_data", "--yes")
    assert refused.code == 1
    assert "master_data.item" in refused.err
    assert at("audit", "verify").code == 0


def test_a_new_plugin_passes_its_own_tests(yunkong, tmp_path):
    """As a distribution of its own: checked, switched on, and its tests pass."""
    made = yunkong("plugin", "new", "key_loans", "--into", tmp_path, "--json")
    assert made.code == 0, made.err
    package = tmp_path / "yunkong-key-loans"
    script = (
        "import sys; from core.registry import build_registry; import yunkong_key_loans as m;"
        "r = build_registry(['key_loans'], {'key_loans': m}); print(list(r.types))"
    )
    environment = {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{ROOT}"}
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert said.stdout.strip() == "['key_loans.application']", said.stderr
    metadata = package / "yunkong_key_loans-0.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: yunkong-key-loans\nVersion: 0.1\n")
    (metadata / "entry_points.txt").write_text("[yunkong.plugins]\nkey_loans = yunkong_key_loans\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", package, package / "tests"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


@pytest.mark.parametrize("name", ["Key", "9keys", "core", "class", "stock", "a-b", "admin"])
def test_a_plugin_cannot_take_a_name_that_is_none(yunkong, tmp_path, name):
    """Refused before anything is written."""
    assert yunkong("plugin", "new", name, "--into", tmp_path).code == 1
    assert list(tmp_path.iterdir()) == []


# Running


@pytest.fixture
def served(site_folder):
    """`yunkong run` on the test site, in processes of its own."""
    started = []

    def serve(*arguments: str) -> tuple[subprocess.Popen, str]:
        import socket

        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        code = "import sys; from core.cli import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", code, "run", "--site", str(site_folder), "--port", str(port), *arguments]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        started.append(process)
        return process, f"http://127.0.0.1:{port}"

    yield serve
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def wait_for(url: str, status: int, seconds: float = 60) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        code, text = get(url)
        if code == status:
            return text
        time.sleep(0.2)
    raise AssertionError(f"{url} did not answer {status}: {code} {text}")


def test_a_site_is_served_with_its_worker_and_ends_in_order(served, site):
    """Pages answer, the worker shows that it lives, and after the signal nothing is left."""
    process, url = served()
    assert "_csrf" in wait_for(f"{url}/sign-in", 200)
    wait_for(f"{url}/readyz", 200)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    with site.database.begin(reading=True) as connection:
        assert heartbeats.last(connection) is None, "a worker that ends in order says so"


def test_a_site_without_a_worker_is_not_ready(served):
    """Pages answer all the same."""
    _process, url = served("--no-worker")
    wait_for(f"{url}/healthz", 200)
    assert '"worker":false' in wait_for(f"{url}/readyz", 503).replace(" ", "")


def test_a_taken_port_is_refused_with_a_remedy(at):
    """Before anything is started."""
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        result = at("run", "--port", one.getsockname()[1])
    assert result.code == 1
    assert "--port" in result.err


@pytest.fixture(autouse=True)
def no_traces_in_the_environment(monkeypatch):
    """`--port` and `--host` reach other processes through the environment; they stay in their test."""
    monkeypatch.setenv("YUNKONG_PORT", "")
    monkeypatch.setenv("YUNKONG_HOST", "")


def test_the_trail_can_be_taken_out(at, tmp_path):
    """`audit export` writes the sealed trail a line at a time, and goes on where the last one ended."""
    first = at("audit", "export", tmp_path / "trail.jsonl", "--json").json
    lines = (tmp_path / "trail.jsonl").read_text(encoding="utf-8").splitlines()
    assert first["rows"] == len(lines) == first["last"]
    assert json.loads(lines[0])["seq"] == 1
    assert at("audit", "export", tmp_path / "more.jsonl", "--after", first["last"], "--json").code == 0
    more = (tmp_path / "more.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["seq"] for line in more] == list(range(first["last"] + 1, first["last"] + 1 + len(more)))
