"""Addresses that expire, storage that refuses, pages of logins: what ends, and what goes on."""

import pytest

from tests.unit.archive.fetching import FAST, FIRST, LAST, PATHS, address, fetching
from tests.workflow.mendeley_server import Fault
from workflow.lib.archive.download.transfer import part_of
from workflow.lib.runtime.files import InputError

PAGE = {"content": b"<html>Log in to the hotel's network</html>", "content_type": "text/html"}


@pytest.fixture
def setting(tmp_path):
    with fetching(tmp_path) as setting:
        yield setting


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_expired_address_is_fetched_anew(setting, status):
    setting.server.fail(LAST, Fault(status=status))
    setting.fetch()
    assert setting.is_complete()
    assert setting.requested.count(address(LAST)) == 2
    assert "zip" not in setting.requested


def test_addresses_may_expire_as_often_as_bytes_arrive(setting):
    for _ in range(3 * FAST.refusals):
        setting.server.fail(LAST, Fault(cut_after=1000), Fault(status=403))
    setting.fetch()
    assert setting.is_complete()
    assert "zip" not in setting.requested
    assert setting.server.served[LAST] == setting.size(LAST)


def test_a_refusal_that_lasts_ends_soon_in_one_line(setting):
    setting.server.fail(LAST, Fault(status=403, times=None))
    setting.server.fail("zip", Fault(status=403, times=None))
    with pytest.raises(InputError, match=r"HTTP 403 .*\(2 attempts\).* nor as a zip") as caught:
        setting.fetch(parallel=1)
    assert len(str(caught.value).splitlines()) == 1
    assert setting.requested.count(LAST) == setting.requested.count("zip") == FAST.refusals
    assert not setting.output.exists()


def test_a_file_that_is_gone_is_asked_for_once(setting):
    setting.server.fail(address(LAST), Fault(status=404, times=None))
    setting.fetch(parallel=1)
    assert setting.requested.count(address(LAST)) == 1
    assert setting.is_complete()  # by the zip


def test_a_page_instead_of_a_file_is_named_and_costs_no_bytes(setting):
    setting.server.fail(LAST, Fault(cut_after=1000), Fault(**PAGE))
    setting.fetch()
    assert setting.is_complete()
    assert setting.server.served[LAST] == setting.size(LAST) + len(PAGE["content"])
    (setting.folder / FIRST).unlink()
    setting.server.fail(FIRST, Fault(**PAGE, unsized=True, times=None))
    setting.server.fail("zip", Fault(**PAGE, times=None))
    setting.server.requests.clear()
    wanted = r"a web page instead of data: does a network or proxy want you to log in\?"
    with pytest.raises(InputError, match=rf"{wanted} \(2 attempts\)\) nor as a zip \(.*{wanted}"):
        setting.fetch()
    assert setting.requested.count(FIRST) == FAST.refusals
    assert not (setting.folder / "dataset.zip").exists()
    assert not part_of(setting.folder / FIRST).exists()


def test_a_login_page_that_is_redirected_to_is_named(setting):
    login = f"{setting.server.url}/storage/zip"
    setting.server.fail("folders", Fault(location=login, times=None))
    setting.server.fail("zip", Fault(**PAGE, times=None))
    with pytest.raises(InputError, match=r"folders/1: a web page instead of data"):
        setting.fetch()


def test_a_file_of_the_right_size_may_be_called_a_page(setting):
    for path in PATHS:
        setting.server.fail(path, Fault(content_type="text/html"))
    setting.fetch()
    assert setting.is_complete()
    assert "zip" not in setting.requested
