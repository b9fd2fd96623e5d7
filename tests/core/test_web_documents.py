"""Prints and files of a record, as pages hand them out."""

import io

import pytest

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082")


@pytest.fixture
def plugins():
    """Anything with a print."""
    return ("master_data", "stock", "production")


def send(client, content, name, **more):
    """Send a file as the form's script does."""
    return client.post("/files", data={"_csrf": client.secrets("/me")["_csrf"], "file": (io.BytesIO(content), name), **more})


def test_a_file_is_kept_and_handed_out_to_who_sent_it(client):
    """Before any record uses it."""
    client.sign_in("production.planner")
    answer = send(client, PNG, "照片.png")
    assert (answer.status_code, answer.json["name"], answer.json["type"]) == (201, "照片.png", "image/png")
    got = client.get(f"/files/{answer.json['id']}")
    assert (got.status_code, got.data, got.mimetype) == (200, PNG, "image/png")
    assert "sandbox" in got.headers["Content-Security-Policy"] and got.headers["X-Content-Type-Options"] == "nosniff"


def test_nobody_else_gets_an_unused_file(client):
    """Not there, for them."""
    client.sign_in("production.planner")
    id = send(client, PNG, "a.png").json["id"]
    client.sign_out()
    client.sign_in("outsider")
    assert client.get(f"/files/{id}").status_code == 404
    assert client.get("/files/1").status_code == client.get("/files/x").status_code == 404


@pytest.mark.parametrize(("content", "name"), [(b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "a.svg"), (b"<!doctype html><script>1</script>", "a.html"), (b"", "a.txt")])
def test_what_a_browser_could_run_is_refused_or_only_downloaded(client, content, name):
    """With a sentence, or as an attachment in a sandbox."""
    client.sign_in("production.planner")
    answer = send(client, content, name)
    if answer.status_code == 201:
        assert client.get(f"/files/{answer.json['id']}").headers["Content-Disposition"].startswith("attachment")
    else:
        assert answer.status_code == 422 and answer.json["detail"]


def test_a_file_needs_the_secret_of_the_form(client):
    """Another website cannot send one."""
    client.sign_in("production.planner")
    assert client.post("/files", data={"file": (io.BytesIO(PNG), "a.png")}).status_code == 403


def test_nothing_sent_is_said(client):
    """A post without a file."""
    client.sign_in("production.planner")
    assert client.post("/files", data={"_csrf": client.secrets("/me")["_csrf"]}).status_code == 422


def test_a_print_is_a_pdf_and_stands_in_the_history(client, people):
    """And a print that the type does not have does not exist."""
    with people.work_as("production.planner") as work:
        plan = work.create("production.monthly_plan", {"basis": "产销会"})
    client.sign_in("production.planner")
    answer = client.get(f"/production/monthly_plan/{plan.id}/prints/plan")
    assert (answer.status_code, answer.mimetype, answer.data[:5]) == (200, "application/pdf", b"%PDF-")
    assert client.get(f"/production/monthly_plan/{plan.id}/prints/nothing").status_code == 404
    assert "打印" in client.get(f"/production/monthly_plan/{plan.id}").get_data(as_text=True)
