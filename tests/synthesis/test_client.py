import base64
import http.server
import json
import threading

import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import errors
from ggngan_tf.data import dicom, phantom
from ggngan_tf.synthesis import client, insert, saved
from tests.conftest import make_set
from tests.synthesis import models_made


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny" / "1"
    models_made.write(folder)
    return saved.load(folder)


@pytest.fixture(scope="module")
def url(model):
    """A server of the predict call of TensorFlow Serving's REST interface, columnar form."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                assert self.path == "/v1/models/tiny:predict", "no such model"
                code, answer = 200, {"outputs": predict(model, request)}
            except (AssertionError, tf.errors.InvalidArgumentError) as error:
                code, answer = 400, {"error": str(error)}
            body = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/models/tiny"
    server.shutdown()
    server.server_close()


def predict(model, request):
    signature = model.signatures[request.get("signature_name", "serving_default")]
    specs = signature.structured_input_signature[1]
    given = {
        key: [base64.b64decode(v["b64"]) for v in values] if key.endswith("_bytes") else values
        for key, values in request["inputs"].items()
    }
    out = signature(**{key: tf.constant(v, specs[key].dtype) for key, v in given.items()})
    return [{"b64": base64.b64encode(v).decode()} for v in out["image_bytes"].numpy()]


def test_a_server_paints_what_the_model_paints(model, url):
    nodules = make_set(2)
    given = (nodules.image, nodules.mask, None, np.array([1, 2]))
    near = client.Remote(url, model.settings).paint(*given)
    np.testing.assert_array_equal(near, model.paint(*given))


def test_dicom_goes_out_and_dicom_comes_back(model, url, tmp_path):
    phantom.write(phantom.make(5, slices=5, nodules=0), tmp_path / "ct", 5)
    series = dicom.read_series(tmp_path / "ct")
    lung = insert.find_lung(series)
    places = insert.choose_sites(series, lung, 1, None, 8.0, 0)
    made = insert.insert(series, lung, places, client.Remote(url, model.settings), 0)
    insert.write(series, made, tmp_path / "out", 0)
    back = dicom.read_series(tmp_path / "out" / "series")
    changed = back.stored(places[0].slice) != series.stored(places[0].slice)
    assert changed.any() and not changed[made[0].painted == 0].any()


def test_what_the_server_says_is_passed_on(model, url):
    nodules = make_set(1)
    with pytest.raises(errors.ModelError, match="at least one pixel"):
        empty = np.zeros_like(nodules.mask)
        client.Remote(url, model.settings).paint(nodules.image, empty, None, np.array([1]))
    with pytest.raises(errors.ModelError, match="no such model"):
        client.Remote(f"{url}s").paint(nodules.image, nodules.mask, None, np.array([1]))


def test_a_server_that_is_not_there_is_named():
    nodules = make_set(1)
    with pytest.raises(errors.ModelError, match=r"127\.0\.0\.1:9/v1/models/x: no answer"):
        remote = client.Remote("http://127.0.0.1:9/v1/models/x", timeout=5)
        remote.paint(nodules.image, nodules.mask, None, np.array([1]))
