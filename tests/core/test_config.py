"""A site's folder: what it may say, how the environment overrides it, and what is refused with place and remedy."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.config import SiteConfig, read_config, write_plugins, write_site
from core.errors import Fault, Faults


def folder_with(tmp_path: Path, text: str, secrets: str = 'secret_key = "0123456789abcdef0123456789abcdef"\n') -> Path:
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    (tmp_path / "secrets.toml").write_text(secrets, encoding="utf-8")
    (tmp_path / "secrets.toml").chmod(0o600)
    return tmp_path


def read(folder: Path, **environ: str) -> SiteConfig:
    return read_config(folder, environ)


def faults(folder: Path, **environ: str) -> tuple[Fault, ...]:
    with pytest.raises(Faults) as raised:
        read_config(folder, environ)
    assert all(fault.hint for fault in raised.value.faults), "every fault has its remedy"
    return raised.value.faults


def test_an_empty_file_is_a_whole_site(tmp_path):
    """Every key but the secret has its default."""
    config = read(folder_with(tmp_path, ""))
    assert (config.kind, config.language, config.zone.key) == ("live", "zh_CN", "Asia/Shanghai")
    assert (config.host, config.port, config.workers, config.plugins) == ("127.0.0.1", 8000, 2, ())
    assert config.database == config.database_url == f"sqlite:///{tmp_path}/yunkong.db"
    assert config.files == tmp_path / "files"
    assert config.public_url == "http://127.0.0.1:8000"


def test_every_key_is_read(tmp_path):
    """The file says all there is to say."""
    config = read(folder_with(tmp_path, """
        name = "北海阀门"
        kind = "test"
        language = "zh_TW"
        time_zone = "Asia/Taipei"
        database = "postgresql://yunkong@db.local/yunkong"
        files = "/srv/files"
        plugins = ["master_data", "production", "production"]
        host = "0.0.0.0"
        port = 8080
        workers = 4
        public_url = "https://yunkong.example/"
        [mail]
        host = "mail.local"
        port = 587
        from = "yunkong@example"
        [audit]
        anchors = "anchors"
    """))
    assert config.name == "北海阀门"
    assert config.database == "postgresql+psycopg://yunkong@db.local/yunkong"
    assert config.plugins == ("master_data", "production")
    assert (config.mail.host, config.mail.port, config.mail.sender) == ("mail.local", 587, "yunkong@example")
    assert (config.public_url, config.anchors, config.workers) == ("https://yunkong.example", "anchors", 4)


def test_the_environment_overrides_each_key(tmp_path):
    """Nested keys by both names; lists by commas; secrets too."""
    folder = folder_with(tmp_path, 'port = 8000\n[mail]\nhost = "a"\n')
    config = read(folder, YUNKONG_PORT="9000", YUNKONG_MAIL_HOST="b", YUNKONG_PLUGINS="master_data, stock", YUNKONG_MAIL_PASSWORD="hush")
    assert (config.port, config.mail.host, config.plugins) == (9000, "b", ("master_data", "stock"))
    assert config.secrets.mail_password == "hush"


def test_all_faults_are_told_at_once(tmp_path):
    """One run shows everything that is to be mended, each with its place."""
    found = faults(folder_with(tmp_path, 'kind = "toy"\nport = "many"\nlanguag = "en"\ntime_zone = "Mars/Base"\n'))
    assert {fault.place for fault in found} == {"site.toml: kind", "site.toml: port", "site.toml: languag", "site.toml: time_zone"}
    assert any("language" in fault.hint for fault in found)


@pytest.mark.parametrize("line", [
    "port = 70000", "port = true", "workers = 0", "plugins = [1]", 'plugins = ["Bad-Name"]', 'database = "mysql://x/y"', 'public_url = "ftp://x"',
    'name = "a\\u0000b"', 'language = "de"', 'database = 7',
])
def test_a_value_of_the_wrong_kind_is_refused(tmp_path, line):
    """Refused with the key as its place."""
    (fault,) = faults(folder_with(tmp_path, line))
    assert fault.place == f"site.toml: {line.split()[0]}"


def test_a_secret_in_the_site_file_is_refused(tmp_path):
    """Neither by its key nor inside the database URL."""
    found = faults(folder_with(tmp_path, 'secret_key = "x"\ndatabase = "postgresql://me:hush@db/y"\n'))
    assert {(fault.code, fault.place) for fault in found} == {
        ("config.secret", "site.toml: secret_key"), ("config.secret", "site.toml: database"),
    }
    assert not any("hush" in str(fault) for fault in found)


def test_readable_secrets_are_refused(tmp_path):
    """The remedy is the very command."""
    folder = folder_with(tmp_path, "")
    (folder / "secrets.toml").chmod(0o640)
    (fault,) = faults(folder)
    assert fault.code == "config.open_secrets"
    assert f"chmod 600 {folder / 'secrets.toml'}" in fault.hint


def test_a_missing_or_short_key_is_refused(tmp_path):
    """A site without a secret key would sign with nothing."""
    assert [fault.code for fault in faults(folder_with(tmp_path, "", "secret_key = 'short'\n"))] == ["config.secret_key"]
    (tmp_path / "secrets.toml").unlink()
    assert [fault.code for fault in faults(tmp_path)] == ["config.secret_key"]
    assert read(tmp_path, YUNKONG_SECRET_KEY="k" * 32).secrets.secret_key == "k" * 32


def test_a_folder_without_a_site_names_the_command(tmp_path):
    """A newcomer in the wrong folder learns what to type."""
    (fault,) = faults(tmp_path)
    assert fault.code == "config.no_site"
    assert "yunkong init" in fault.hint


def test_a_broken_file_is_told_with_its_line(tmp_path):
    """TOML's own message names line and column."""
    (fault,) = faults(folder_with(tmp_path, 'name = "x\n'))
    assert "line 1" in fault.what


def test_the_password_joins_the_url_only_for_connecting(tmp_path):
    """It is quoted there and shows nowhere else."""
    folder = folder_with(tmp_path, 'database = "postgresql://me@db:5433/y"', f'secret_key = "{"k" * 32}"\ndatabase_password = "p@ss/word"\n')
    config = read(folder)
    assert config.database_url == "postgresql+psycopg://me:p%40ss%2Fword@db:5433/y"
    assert "p@ss" not in repr(config)
    assert "p%40ss" not in repr(config)
    assert "k" * 32 not in repr(config)


def test_a_password_in_the_environments_url_is_kept_as_a_secret(tmp_path):
    """The environment may hold secrets; the URL that is shown does not."""
    config = read(folder_with(tmp_path, ""), YUNKONG_DATABASE="postgresql://me:p%40ss@db/y")
    assert config.database == "postgresql+psycopg://me@db/y"
    assert config.secrets.database_password == "p@ss"
    assert config.database_url == "postgresql+psycopg://me:p%40ss@db/y"


def test_a_socket_url_keeps_its_folder(tmp_path):
    """PostgreSQL over a Unix socket names the folder as a parameter."""
    config = read(folder_with(tmp_path, 'database = "postgresql://postgres@/y?host=/tmp/pg"'))
    assert config.database_url == "postgresql+psycopg://postgres@/y?host=/tmp/pg"


def test_a_written_site_reads_back(tmp_path):
    """Folder and secrets are private, the key is random, the password is not in the site file."""
    one = write_site(tmp_path / "one", name='a "b" 云', kind="test", plugins=["stock"], database="postgresql://me:hush@db/y", port=8123)
    two = write_site(tmp_path / "two")
    assert (one.name, one.kind, one.plugins, one.port) == ('a "b" 云', "test", ("stock",), 8123)
    assert one.secrets.database_password == "hush"
    assert "hush" not in (one.path / "site.toml").read_text(encoding="utf-8")
    assert one.secrets.secret_key != two.secrets.secret_key
    assert stat.S_IMODE((one.path / "secrets.toml").stat().st_mode) == 0o600
    assert two.name == "two"
    assert two.files.is_dir()


def test_a_folder_with_a_site_is_never_written_over(tmp_path):
    """The second call is refused and changes nothing."""
    key = write_site(tmp_path / "one").secrets.secret_key
    with pytest.raises(Faults) as raised:
        write_site(tmp_path / "one", name="another")
    assert raised.value.faults[0].code == "config.exists"
    assert read_config(tmp_path / "one", {}).secrets.secret_key == key


def test_a_bad_value_writes_nothing(tmp_path):
    """What would not read back is refused before the folder is made."""
    with pytest.raises(Faults):
        write_site(tmp_path / "one", kind="toy")
    assert not (tmp_path / "one").exists()


def test_the_list_of_plugins_is_replaced_alone(tmp_path):
    """Comments and every other line stay."""
    folder = folder_with(tmp_path, '# ours\nplugins = [\n  "stock",\n]\nport = 8001 # free\n')
    write_plugins(folder, ["master_data", "stock"])
    assert (folder / "site.toml").read_text(encoding="utf-8") == '# ours\nplugins = ["master_data", "stock"]\nport = 8001 # free\n'


def test_a_list_of_plugins_is_added_above_the_tables(tmp_path):
    """A file without the key gets it where it belongs to no table."""
    folder = folder_with(tmp_path, '[mail]\nhost = "a"\n')
    write_plugins(folder, ["stock"])
    config = read(folder)
    assert (config.plugins, config.mail.host) == (("stock",), "a")


def test_the_clock_of_a_test_site_can_be_fixed(tmp_path):
    """The moment has an offset and is given back in UTC."""
    config = read(folder_with(tmp_path, 'kind = "test"'), YUNKONG_NOW="2026-11-20T08:00:00+08:00")
    assert config.clock.now() == datetime(2026, 11, 20, tzinfo=UTC)
    assert config.clock.now().tzinfo is UTC


def test_the_clock_can_be_moved_through_a_file(tmp_path):
    """Each reading looks at the file again; back too."""
    moment = tmp_path / "now"
    moment.write_text("2026-11-20T08:00:00+08:00\n")
    clock = read(folder_with(tmp_path, 'kind = "demo"'), YUNKONG_NOW=f"@{moment}").clock
    assert clock.now().day == 20
    moment.write_text("2026-11-19T08:00:00+08:00")
    assert clock.now().day == 19


def test_a_live_site_refuses_a_set_clock(tmp_path):
    """Deadlines and signatures of a live site stand on the real time."""
    (fault,) = faults(folder_with(tmp_path, 'kind = "live"'), YUNKONG_NOW="2026-11-20T08:00:00+08:00")
    assert (fault.code, fault.place) == ("config.clock", "YUNKONG_NOW")


@pytest.mark.parametrize("told", ["tomorrow", "2026-11-20T08:00:00", "@/nowhere/at/all"])
def test_a_moment_that_is_none_is_refused(tmp_path, told):
    """Also one without an offset, and a file that is not there."""
    (fault,) = faults(folder_with(tmp_path, 'kind = "test"'), YUNKONG_NOW=told)
    assert fault.code == "config.clock"


def test_the_clock_runs_when_nothing_is_set(tmp_path):
    """The real time, in UTC."""
    now = read(folder_with(tmp_path, "")).clock.now()
    assert abs((datetime.now(UTC) - now).total_seconds()) < 5


