"""The GET requests below every download: what is insisted on, and what is refused."""

import datetime
import itertools
import socketserver
import threading
import time

import pytest

from tests.workflow.mendeley_server import Fault, serving
from workflow.lib.archive.download.http import (
    Again,
    DownloadError,
    Patience,
    Stopped,
    Web,
    check_url,
    retry_after_s,
)

FAST = Patience(
    attempts=3,
    refusals=2,
    first_delay_s=0.005,
    longest_delay_s=0.01,
    longest_retry_after_s=1.5,
    connect_timeout_s=2.0,
    read_timeout_s=0.3,
)
KEY = "folders"


class Client:
    """A server and requests to one of its addresses."""

    def __init__(self, server):
        self.server = server
        self.url = f"{server.url}/public-api/datasets/{server.dataset}/folders/{server.version}"

    def get(self, url=None, patience=FAST, stop=None):
        def attempt():
            with web.get(url or self.url) as response:
                return response.content

        with Web(self.server.url, patience, stop) as web:
            return web.persist(attempt)


@pytest.fixture
def client(tmp_path):
    with serving(tmp_path) as server:
        yield Client(server)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_passing_trouble_is_waited_out(client, status):
    client.server.fail(KEY, Fault(status=status, times=2))
    assert client.get() == b"[]"


@pytest.mark.parametrize("status", [500, 429])
def test_trouble_that_does_not_pass_ends_patience(client, status):
    client.server.fail(KEY, Fault(status=status, times=None))
    with pytest.raises(DownloadError, match=f"HTTP {status}.*3 attempts"):
        client.get()
    assert len(client.server.requests) == FAST.attempts


@pytest.mark.parametrize("status", [400, 404, 405, 410])
def test_lasting_trouble_is_not_waited_out(client, status):
    client.server.fail(KEY, Fault(status=status))
    with pytest.raises(DownloadError, match=f"HTTP {status}"):
        client.get()
    assert len(client.server.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 511])
def test_a_refusal_is_asked_again_a_few_times(client, status):
    client.server.fail(KEY, Fault(status=status))
    assert client.get() == b"[]"
    client.server.requests.clear()
    client.server.fail(KEY, Fault(status=status, times=None))
    with pytest.raises(DownloadError, match=rf"HTTP {status} [^;]*\(2 attempts\)"):
        client.get()
    assert len(client.server.requests) == FAST.refusals


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_by_the_storage_is_cured_by_a_new_address(client, status):
    expired = f"{client.server.url}/public-api/datasets/{client.server.dataset}/files?version=1"
    client.server.fail("files", Fault(status=status, times=None))
    client.server.fail(KEY, Fault(location=expired))
    assert client.get() == b"[]"
    client.server.fail(KEY, Fault(location=expired, times=None))
    client.server.requests.clear()
    with pytest.raises(DownloadError, match=rf"HTTP {status} .* redirects to \(2 attempts\)"):
        client.get()
    assert [key for key, _ in client.server.requests] == [KEY, "files"] * FAST.refusals


def test_refusals_end_soon_whatever_other_patience_allows():
    """A refusal that lasts costs seconds: pauses of 1, 2 and 4 s at most."""
    patience = Patience()
    pauses = [patience.delay_s(n, None) for n in range(1, patience.refusals)]
    assert 1 < sum(pauses) <= 7
    assert patience.refusals < patience.attempts


@pytest.mark.parametrize("http_date", [False, True])
def test_retry_after_is_honoured(client, http_date):
    # A date has whole seconds: two ahead is between one and two from now.
    date = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2)
    wish = date.strftime("%a, %d %b %Y %H:%M:%S GMT") if http_date else "1"
    client.server.fail(KEY, Fault(status=503, retry_after=wish))
    start = time.monotonic()
    client.get()
    assert time.monotonic() - start > 0.9


def test_retry_after_is_capped(client):
    client.server.fail(KEY, Fault(status=429, retry_after="86400"))
    start = time.monotonic()
    client.get()
    assert FAST.longest_retry_after_s <= time.monotonic() - start < 10.0


def test_retry_after_forms():
    assert retry_after_s("120") == 120.0
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00") == 0.0
    for value in (None, "", "soon", "-1", "1e9"):
        assert retry_after_s(value) is None


def test_delays_double_with_jitter_up_to_a_limit():
    patience = Patience(first_delay_s=1.0, longest_delay_s=10.0)
    for failures, longest in enumerate([1.0, 2.0, 4.0, 8.0, 10.0, 10.0], start=1):
        delays = {patience.delay_s(failures, None) for _ in range(50)}
        assert len(delays) > 10
        assert longest / 2 <= min(delays) <= max(delays) <= longest


def test_silent_server_times_out_and_is_asked_again(client):
    client.server.fail(KEY, Fault(stall_s=0.6))
    assert client.get() == b"[]"
    assert len(client.server.requests) == 2


def test_unreachable_server(client):
    with pytest.raises(DownloadError, match=r"refused.*3 attempts"):
        client.get("http://127.0.0.1:9/file")


@pytest.mark.parametrize(
    "location", ["ftp://127.0.0.1/x", "file:///etc/passwd", "gopher:x", "http://["]
)
def test_redirect_to_another_protocol_is_refused(client, location):
    client.server.fail(KEY, Fault(location=location))
    with pytest.raises(DownloadError, match=r"refused to follow|address that is none"):
        client.get()


def test_endless_redirects(client):
    client.server.fail(KEY, Fault(location=client.url, times=None))
    with pytest.raises(DownloadError, match="more than 10 times"):
        client.get()


def test_addresses_allowed():
    check_url("https://cdn.example.org/x", "https://data.mendeley.com")
    check_url("http://127.0.0.1:80/x", "https://data.mendeley.com")
    check_url("http://[::1]/x", "https://data.mendeley.com")
    check_url("http://mirror.example.org/x", "http://mirror.example.org")


@pytest.mark.parametrize(
    "url",
    ["http://cdn.example.org/x", "http://127.0.0.1.example.org/x", "https:///x", "file:///x", ""],
)
def test_addresses_refused(url):
    with pytest.raises(DownloadError, match="expected https"):
        check_url(url, "https://data.mendeley.com")


def test_stop_interrupts_a_pause(client):
    client.server.fail(KEY, Fault(status=503, retry_after="60"))
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    start = time.monotonic()
    with pytest.raises(Stopped):
        client.get(stop=stop, patience=Patience())
    assert time.monotonic() - start < 10.0


def test_failures_are_counted_since_the_last_progress():
    ground = itertools.chain([0, 1, 2, 2, 3], itertools.repeat(3))
    state = {"reached": 0, "attempts": 0}

    def attempt():
        state["attempts"] += 1
        state["reached"] = next(ground)
        raise Again("broken")

    with Web("http://127.0.0.1:9", FAST) as web, pytest.raises(DownloadError):
        web.persist(attempt, lambda: state["reached"])
    assert state["attempts"] == 7


def test_proxy_of_the_environment_is_used(client, monkeypatch):
    monkeypatch.setenv("http_proxy", client.server.url)
    monkeypatch.setenv("no_proxy", "")
    # Only a proxy can be asked for this name; this one does not know it.
    with Web("http://data.invalid", FAST) as web, pytest.raises(DownloadError, match="HTTP 404"):
        web.get("http://data.invalid/file")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_told_once(scheme, monkeypatch):
    asked = []
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self):
            asked.append(self.rfile.readline())
            while self.rfile.readline().strip():
                pass
            self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv(f"{scheme}_proxy", f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("no_proxy", "")
        url = f"{scheme}://data.invalid/file"
        with (
            Web(f"{scheme}://data.invalid", FAST) as web,
            pytest.raises(DownloadError, match=r"HTTP 407\): set https_proxy=http://NAME:PASS"),
        ):
            web.persist(lambda: web.get(url))
        server.shutdown()
    assert len(asked) == 1


def test_a_user_agent_is_sent_and_no_compression_asked_for():
    with Web("http://127.0.0.1:9", FAST) as web:
        assert "10.17632/z8bh7n5b7d" in web.session.headers["User-Agent"]
        assert web.session.headers["Accept-Encoding"] == "identity"
