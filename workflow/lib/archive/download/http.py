"""GET requests that are patient with a bad line and distrust what they are sent to."""

import datetime
import email.utils
import ipaddress
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeVar
from urllib.parse import urljoin, urlsplit

import requests

from workflow.lib.runtime.script import logger

USER_AGENT = "drm-orientation-paper/0.1 (reproduces doi:10.17632/z8bh7n5b7d.1)"
MAX_REDIRECTS = 10
REPEATABLE = {408, 425, 429}  # besides 5xx: what a later attempt may cure
# What storage answers to an address that has expired, and gateways to too many requests: a new
# request, which gets a new address, may cure it, but more than a few won't.
REFUSALS = {401, 403, 511}
REFUSALS_OF_STORAGE = REFUSALS | {400, 404, 410}  # at an address that was redirected to
PROXY_LOGIN = (
    "the proxy wants a name and password (HTTP 407): set https_proxy=http://NAME:PASSWORD@HOST:PORT"
)

T = TypeVar("T")


class DownloadError(Exception):
    """The network offers no way on; the message says why in one line."""


class Again(Exception):
    """An attempt failed in a way that another attempt may cure.

    `wait_s` is what the server asked for by Retry-After, None without it. `is_refusal` says
    that the server will not rather than can't, so that only a few attempts are worth while.
    """

    def __init__(self, reason: str, wait_s: float | None = None, is_refusal: bool = False):
        super().__init__(reason)
        self.wait_s = wait_s
        self.is_refusal = is_refusal


class Stopped(Exception):
    """Another thread told this one to end."""


@dataclass(frozen=True)
class Patience:
    """How long to insist: failures in a row without a new byte, and refusals among them."""

    attempts: int = 10
    refusals: int = 4
    first_delay_s: float = 1.0
    longest_delay_s: float = 60.0
    longest_retry_after_s: float = 300.0
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 60.0

    def delay_s(self, failures: int, wait_s: float | None) -> float:
        """Pause after the n-th failure: the server's wish, else doubling, with jitter."""
        if wait_s:
            return min(wait_s, self.longest_retry_after_s)
        longest = min(self.longest_delay_s, self.first_delay_s * 2.0 ** (failures - 1))
        return longest * random.uniform(0.5, 1.0)


def check_url(url: str, base_url: str) -> None:
    """Raise DownloadError unless `url` is https, or http where that is no step down.

    Plain http is for loopback, and for mirrors whose `base_url` is http itself.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    secure = parts.scheme == "https"
    plain = parts.scheme == "http" and (urlsplit(base_url).scheme == "http" or _loopback(host))
    if not host or not (secure or plain):
        raise DownloadError(f"refused to follow the address {url[:100]!r}: expected https")


def _loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def retry_after_s(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for (a number or an HTTP date), None if neither."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value[:12])
    try:
        date = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=datetime.UTC)
    return max(0.0, (date - datetime.datetime.now(datetime.UTC)).total_seconds())


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, as `Web.get` follows redirects: here they would be read whole, unchecked."""


class Web:
    """One session with one server: a context manager, for use by one thread.

    Proxies come from the environment. `stop` is shared by threads that end together.
    """

    def __init__(self, base_url: str, patience: Patience, stop: threading.Event | None = None):
        self.base_url = base_url.rstrip("/")
        self.patience = patience
        self.stop = stop or threading.Event()
        self.session = _Session()
        # Bytes as they are stored: a compressed transfer could not be resumed or measured.
        self.session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def get(self, url: str, headers: dict[str, str] | None = None) -> requests.Response:
        """One GET with redirects; the response (200, 206 or 416) is open and unread.

        Raises Again for what may pass (no connection, time-out, 5xx, 429; 403, and where it
        was redirected also 404) and DownloadError for what will not (404, an address that
        is refused).
        """
        timeout = self.patience.connect_timeout_s, self.patience.read_timeout_s
        address = url  # messages name `url`: addresses redirected to may hold access tokens
        for _ in range(MAX_REDIRECTS):
            check_url(address, self.base_url)
            try:
                response = self.session.get(
                    address, headers=headers, stream=True, timeout=timeout, allow_redirects=False
                )
            except requests.RequestException as error:
                raise _failure(url, error) from error
            if response.status_code in (200, 206, 416):
                return response
            response.close()
            if not response.is_redirect:
                raise _refusal(url, response, is_storage=address != url)
            try:
                address = urljoin(address, response.headers["Location"])
            except ValueError as error:
                raise DownloadError(f"{url}: redirected to an address that is none") from error
        raise DownloadError(f"{url}: redirected more than {MAX_REDIRECTS} times")

    def persist(self, attempt: Callable[[], T], reached: Callable[[], int] = lambda: 0) -> T:
        """Result of the first `attempt` that does not raise Again.

        `reached()` says how far the work has come; a step beyond the furthest point
        so far starts the count of failures afresh. Raises DownloadError when patience
        ends, Stopped when `stop` is set meanwhile.
        """
        failures, refusals, furthest = 0, 0, reached()
        while not self.stop.is_set():
            try:
                return attempt()
            except Again as again:
                if reached() > furthest:
                    failures, refusals, furthest = 0, 0, reached()
                failures += 1
                refusals += again.is_refusal
                if failures >= self.patience.attempts or refusals >= self.patience.refusals:
                    raise DownloadError(f"{again} ({failures} attempts)") from again
                delay_s = self.patience.delay_s(failures, again.wait_s)
                logger.info("%s; again in %.1f s", again, delay_s)
            self.stop.wait(delay_s)
        raise Stopped


def _failure(url: str, error: requests.RequestException) -> Exception:
    """What a request that got no response amounts to."""
    reason = _reason(error)
    if isinstance(error, requests.exceptions.ProxyError) and " 407 " in reason:
        return DownloadError(f"{url}: {PROXY_LOGIN}")
    # A certificate that does not verify will not do so in a minute either.
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return DownloadError(f"{url}: {reason}")
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return Again(f"{url}: {reason}")
    return DownloadError(f"{url}: {reason}")


def _reason(error: Exception) -> str:
    """The innermost reason: urllib3 wraps "Connection refused" in three layers of objects."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{error or type(error).__name__}"[:200]


def _refusal(url: str, response: requests.Response, is_storage: bool) -> Exception:
    """What a response other than data or a redirect amounts to."""
    status = response.status_code
    if status == 407:
        return DownloadError(f"{url}: {PROXY_LOGIN}")
    where = " at the address it redirects to" if is_storage else ""
    text = f"{url}: HTTP {status} {response.reason}{where}"
    is_refusal = status in (REFUSALS_OF_STORAGE if is_storage else REFUSALS)
    if is_refusal or status in REPEATABLE or status >= 500:
        return Again(text, retry_after_s(response.headers.get("Retry-After")), is_refusal)
    return DownloadError(text)


def is_page(response: requests.Response) -> bool:
    """Whether the answer calls itself a web page, as those of logins and proxies do."""
    return response.headers.get("Content-Type", "").strip().lower().startswith("text/html")


def page_instead(url: str) -> Again:
    """The refusal of a web page where data was asked for; more than a few would be the same."""
    reason = f"{url}: a web page instead of data: does a network or proxy want you to log in?"
    return Again(reason, is_refusal=True)
