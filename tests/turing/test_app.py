import concurrent.futures
import json
import os
import re
import warnings

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("fastapi", reason="the web reader needs the extra `vtt`")
import sqlalchemy as sa

from ggngan_tf import errors
from ggngan_tf.turing import (
    documents,
    pack,
    readings,
    routes_organiser,
    schema,
    security,
    server,
    store,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its word on httpx2 is for FastAPI's authors
    from fastapi import testclient

URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def folder(sets, tmp_path_factory):
    out = tmp_path_factory.mktemp("served") / "study"
    design = pack.settings(
        real=4, synthetic=4, batches=1, readers=2, layout="crossed", training=1, repeats=2
    )
    pack.pack(*sets, out, design, seed=5, series=False)
    return out


@pytest.fixture(params=["sqlite", *filter(None, [os.environ.get("GGNGAN_POSTGRESQL")])])
def served(request, folder, tmp_path):
    """The application, its engine and everybody's link, on a new database.

    GGNGAN_POSTGRESQL may name an empty one, `postgresql+psycopg://...`, to try that, too.
    """
    url = request.param
    if url == "sqlite":
        url = f"sqlite:///{tmp_path / 'db.sqlite'}"
    else:
        schema.metadata.drop_all(sa.create_engine(url))
    study, engine, links = server.open_study(folder, url)
    return server.application(folder, study, engine, URL), engine, links


def only_on_sqlite(served):
    if served[1].dialect.name != "sqlite":
        pytest.skip("about SQLite's files")


def client(served, name=None):
    app, _, links = served
    browser = testclient.TestClient(app, base_url=URL)
    if name is not None:
        reply = browser.post("/api/session", json={"token": links[name]})
        assert reply.status_code == 200
    return browser


def slots(browser):
    return [slot["slot"] for slot in browser.get("/api/session").json()["slots"]]


def answer(browser, slot, rating=3, **more):
    body = {"rating": rating, "seconds": 2.5} | more
    return browser.post(f"/api/cases/{slot}/answer", json=body)


def test_two_readers_read_everything_and_the_export_is_what_they_answered(served, folder):
    given = {}
    for name in ("reader-1", "reader-2"):
        browser = client(served, name)
        for number, slot in enumerate(slots(browser)):
            assert browser.get(f"/api/cases/{slot}").status_code == 200
            rating = 1 + number % 4
            assert answer(browser, slot, rating, comment=f"no. {number}").status_code == 200
            given.setdefault(name, []).append(rating)
    organiser = client(served, "organiser")
    text = organiser.get("/api/export.csv").text
    path = folder.parent / "readings.csv"
    path.write_text(text)
    table = readings.read(path, documents.read_study(folder))
    assert len(table) == 2 * (8 + 2)
    for name, ratings in given.items():
        mine = table[table["reader"] == name].sort_values("position")
        assert list(mine["rating"]) == ratings[2:]  # two for practice
        assert list(mine["position"]) == list(range(3, 13))
    assert {r["answered"] for r in organiser.get("/api/progress").json()["readers"]} == {12}


def test_readers_have_orders_of_their_own(served):
    _, engine, _ = served
    with engine.connect() as connection:
        rows = connection.execute(schema.slots.select().order_by(schema.slots.c.position)).all()
    people = sorted({row.reader_id for row in rows})
    orders = [[row.case for row in rows if row.reader_id == person] for person in people]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]


def test_an_image_is_16_bit_and_the_very_pixels_of_the_pack(served, folder):
    browser = client(served, "reader-1")
    images = np.load(folder / "images.npy")
    reply = browser.get(f"/api/images/{slots(browser)[0]}")
    pixels = np.frombuffer(reply.content, "<i2").reshape(images.shape[1:])
    assert any(np.array_equal(pixels, image) for image in images)
    assert "content-encoding" not in reply.headers


def test_no_label_reaches_the_browser_before_a_practice_answer(served, folder):
    browser = client(served, "reader-1")
    heard = [browser.get("/api/session").text]
    for number, slot in enumerate(slots(browser)):
        heard.append(browser.get(f"/api/cases/{slot}").text)
        heard.append(str(browser.get(f"/api/images/{slot}").headers))
        reply = answer(browser, slot).json()
        assert (reply["truth"] in ("real", "synthetic")) == (number < 2)
        assert number < 2 or reply == {"truth": None}
    study = documents.read_study(folder)
    for text in heard:
        assert "synthetic" not in text and '"real"' not in text
        for slot in (*study.cases, *study.training):
            assert slot.case not in text  # nor a name that two readers could compare


def test_a_reader_sees_no_other_readers_slots_and_none_ahead(served):
    one, two = client(served, "reader-1"), client(served, "reader-2")
    mine, theirs = slots(one), slots(two)
    assert not set(mine) & set(theirs)
    for path in (f"/api/cases/{theirs[0]}", f"/api/images/{theirs[0]}"):
        assert one.get(path).status_code == 404
    assert answer(one, theirs[0]).status_code == 404
    assert one.get(f"/api/cases/{mine[1]}").status_code == 404
    assert one.get(f"/api/images/{mine[1]}").status_code == 200  # one ahead, to load early
    assert one.get(f"/api/images/{mine[2]}").status_code == 404
    assert answer(one, mine[1]).status_code == 409


def test_without_a_session_and_as_the_wrong_person_doors_stay_shut(served):
    stranger = client(served)
    slot = slots(client(served, "reader-1"))[0]
    for path in ("/api/session", f"/api/cases/{slot}", "/api/progress", "/api/export.csv"):
        assert stranger.get(path).status_code == 401
    assert client(served, "reader-1").get("/api/export.csv").status_code == 404
    assert client(served, "reader-1").post("/api/study", json={"closed": True}).status_code == 404
    assert client(served, "organiser").get(f"/api/images/{slot}").status_code == 404
    assert stranger.post("/api/session", json={"token": "x" * 43}).status_code == 401


def test_a_revoked_link_and_its_sessions_stop_at_once(served):
    reader, organiser = client(served, "reader-1"), client(served, "organiser")
    number = organiser.get("/api/progress").json()["readers"][0]["id"]
    assert organiser.post(f"/api/readers/{number}/revoke").status_code == 200
    assert reader.get("/api/session").status_code == 401
    token = {"token": served[2]["reader-1"]}
    assert client(served).post("/api/session", json=token).status_code == 401
    link = organiser.post(f"/api/readers/{number}/renew").json()["link"]
    fresh = client(served)
    token = link.removeprefix(f"{URL}/join#")
    assert fresh.post("/api/session", json={"token": token}).status_code == 200
    assert fresh.get("/api/session").json()["name"] == "reader-1"


def test_an_answer_can_be_changed_and_all_versions_are_kept(served):
    reader = client(served, "reader-1")
    mine = slots(reader)
    for slot in mine[:3]:
        answer(reader, slot, 2)
    assert answer(reader, mine[2], 4, row=3.25, column=70.5, comment="smooth").status_code == 200
    found = reader.get(f"/api/cases/{mine[2]}").json()["answer"]
    assert (found["rating"], found["row"], found["column"]) == (4, 3.25, 70.5)
    assert answer(reader, mine[0], 1).status_code == 409  # practice: the truth is known
    assert answer(reader, mine[0], 2).status_code == 200  # the same again: a retry
    rows = store.export(served[1])
    assert [(row["rating"], row["versions"], row["comment"]) for row in rows] == [(4, 2, "smooth")]


def test_a_closed_study_takes_no_answers_until_it_is_opened(served):
    reader, organiser = client(served, "reader-1"), client(served, "organiser")
    slot = slots(reader)[0]
    organiser.post("/api/study", json={"closed": True})
    assert answer(reader, slot).json() == {"error": "The study is closed."}
    organiser.post("/api/study", json={"closed": False})
    assert answer(reader, slot).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"rating": 0, "seconds": 1},
        {"rating": 5, "seconds": 1},
        {"rating": 2.5, "seconds": 1},
        {"rating": "3", "seconds": 1},
        {"rating": True, "seconds": 1},
        {"rating": 3},
        {"rating": 3, "seconds": -1},
        {"rating": 3, "seconds": 1e9},
        {"rating": 3, "seconds": 1, "comment": "x" * 1001},
        {"rating": 3, "seconds": 1, "comment": "\x00"},
        {"rating": 3, "seconds": 1, "row": 71, "column": 0},
        {"rating": 3, "seconds": 1, "row": 7},
        {"rating": 3, "seconds": 1, "reader": "reader-2"},
        [],
    ],
)
def test_impossible_answers_are_refused_and_not_stored(served, body):
    reader = client(served, "reader-1")
    for slot in slots(reader)[:2]:
        answer(reader, slot)
    reply = reader.post(f"/api/cases/{slots(reader)[2]}/answer", json=body)
    assert reply.status_code in (409, 422)
    assert store.export(served[1]) == []
    nan = '{"rating": 3, "seconds": NaN}'
    path = f"/api/cases/{slots(reader)[2]}/answer"
    assert reader.post(path, content=nan, headers={"Content-Type": "application/json"}).is_error


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/api/images/..%2F..%2Fkey.json",
        "/api/images/' OR 1=1 --",
        "/study.json",
        "/docs",
        "/openapi.json",
    ],
)
def test_no_request_reaches_the_file_system(served, path):
    assert client(served, "reader-1").get(path).status_code in (404, 422)


def test_every_reply_has_the_headers_that_keep_a_page_to_itself(served):
    for path in ("/", "/join", "/static/reader.js", "/api/session", "/nothing"):
        headers = client(served).get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
    cookie = client(served).post("/api/session", json={"token": served[2]["reader-1"]})
    text = cookie.headers["set-cookie"].lower()
    assert "httponly" in text and "samesite=strict" in text and "secure" not in text


def test_https_makes_the_cookie_secure(folder, tmp_path):
    url = "https://vtt.example.org"
    study, engine, links = server.open_study(folder, f"sqlite:///{tmp_path / 'db.sqlite'}")
    app = server.application(folder, study, engine, url)
    browser = testclient.TestClient(app, base_url=url)
    reply = browser.post("/api/session", json={"token": links["reader-1"]})
    assert "secure" in reply.headers["set-cookie"].lower()
    assert "strict-transport-security" in reply.headers


def test_pages_ask_nobody_else_for_anything(served):
    for path in ("/", "/join", "/organiser", "/static/style.css", "/static/reader.js"):
        text = client(served).get(path).text
        assert not re.search(r"(src|href|url\(|import\s).{0,3}[\"'(](https?:)?//", text)
        assert "<script>" not in text and " style=" not in text and " onclick=" not in text


def test_other_hosts_origins_and_large_bodies_are_refused(served):
    reader = client(served, "reader-1")
    assert reader.get("/", headers={"Host": "evil.example"}).status_code == 400
    cross = {"Origin": "https://evil.example"}
    assert reader.post("/api/session", json={}, headers=cross).status_code == 403
    assert reader.post("/api/session", content=b"x" * 20_000).status_code == 413
    assert reader.post("/api/session", content=iter([b"x"])).status_code == 411


def test_guessing_links_and_hammering_are_slowed_down(served):
    guesser = client(served)
    codes = [guesser.post("/api/session", json={"token": "x" * 43}).status_code for _ in range(30)]
    assert codes[0] == 401 and codes[-1] == 429
    now = [0.0]
    limiter = security.Limiter(burst=3, rate=1.0, clock=lambda: now[0])
    assert [limiter.allows("a") for _ in range(4)] == [True, True, True, False]
    assert limiter.allows("b")
    now[0] = 1.0
    assert [limiter.allows("a") for _ in range(2)] == [True, False]


def test_the_database_holds_no_secret_and_other_eyes_are_kept_out(served, tmp_path):
    only_on_sqlite(served)
    content = (tmp_path / "db.sqlite").read_bytes()
    for path in tmp_path.glob("db.sqlite*"):
        content += path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
    for token in served[2].values():
        assert token.encode() not in content
    server.write_links(tmp_path / "links.csv", URL, served[2])
    assert (tmp_path / "links.csv").stat().st_mode & 0o077 == 0
    table = pd.read_csv(tmp_path / "links.csv")
    assert len(set(table["link"])) == 3
    assert all(len(link.split("#")[1]) >= 43 for link in table["link"])


def test_a_database_of_another_study_is_refused(served, sets, tmp_path):
    only_on_sqlite(served)
    other = tmp_path / "other"
    design = pack.settings(real=2, synthetic=2, batches=1, readers=1)
    pack.pack(*sets, other, design, seed=5, series=False)
    with pytest.raises(errors.ReadingError, match="the database holds study"):
        server.open_study(other, f"sqlite:///{tmp_path / 'db.sqlite'}")


def test_a_database_that_cannot_be_opened_is_an_error_without_its_password():
    with pytest.raises(errors.ReadingError, match="cannot be opened") as caught:
        schema.connect("postgresql+psycopg://vtt:secret@127.0.0.1:1/vtt")
    assert "secret" not in str(caught.value)
    with pytest.raises(errors.ReadingError, match="cannot be opened"):
        schema.connect("nonsense")


def test_a_backup_during_the_reading_is_whole(served, tmp_path):
    only_on_sqlite(served)
    reader = client(served, "reader-1")
    for slot in slots(reader)[:5]:
        answer(reader, slot)
    store.backup(served[1], str(tmp_path / "copy.sqlite"))
    copy = schema.connect(f"sqlite:///{tmp_path / 'copy.sqlite'}")
    assert store.export(copy) == store.export(served[1])
    assert len(store.export(copy)) == 3


def test_many_at_once_lose_nothing(folder, tmp_path, sets):
    out = tmp_path / "study"
    design = pack.settings(real=5, synthetic=5, batches=1, readers=12, layout="crossed")
    pack.pack(*sets, out, design, seed=5, series=False)
    study, engine, links = server.open_study(out, None)
    served = server.application(out, study, engine, URL), engine, links

    def read(name):
        token = {"token": links[name]}
        browser = testclient.TestClient(served[0], base_url=URL, client=(name, 1))
        assert browser.post("/api/session", json=token).status_code == 200
        return [
            answer(browser, slot, 1 + i % 4).status_code for i, slot in enumerate(slots(browser))
        ]

    names = [name for name in links if name != "organiser"]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(read, names))
    assert codes == [[200] * 10] * 12
    assert len(store.export(engine)) == 120


def test_a_remark_that_a_spreadsheet_would_run_is_made_harmless():
    text = routes_organiser.as_csv([{"comment": "=1+1", "row": -2.0}])
    assert text.splitlines()[1] == "'=1+1,-2.0"


def test_links_follow_the_address_and_open_ports_are_told():
    assert server.Address().public == "http://127.0.0.1:8000"
    assert not server.Address().is_exposed
    assert server.Address(host="10.0.0.7").is_exposed
    assert server.Address(host="0.0.0.0", url="http://10.0.0.7:8000").is_exposed
    assert not server.Address(host="0.0.0.0", url="https://vtt.example.org/").is_exposed
    with pytest.raises(errors.ReadingError, match="give --url"):
        server.Address(host="0.0.0.0")
    with pytest.raises(errors.ReadingError, match="both --certificate and --private-key"):
        server.Address(certificate="a.pem")


def test_damaged_images_are_refused_before_anybody_reads(folder, tmp_path):
    study = documents.read_study(folder)
    np.save(tmp_path / "images.npy", np.zeros((2, 3, 3), np.int16))
    with pytest.raises(errors.ReadingError, match=r"found int16 \(2, 3, 3\)"):
        server.application(tmp_path, study, None, URL)


def test_the_sessions_answer_is_plain_json(served):
    state = client(served, "reader-1").get("/api/session").json()
    assert state["shape"] == [71, 71] and len(state["classes"]) == 4
    assert json.dumps(state)
