"""Pages of the report: every text escaped, every page marked if its data are simulated."""

import pytest

from workflow.lib.report.pages import log_texts, notice, table_page, text_page


@pytest.mark.parametrize("simulated", [True, False])
def test_a_table_is_shown_with_two_decimals_and_says_what_its_data_are(tmp_path, simulated):
    csv = tmp_path / "table.csv"
    csv.write_text("network,median_deg,n,missing\nEulerNet,7.12345,50,\n<b>,1.5,50,\n")
    page = table_page("Table <1>", csv, simulated)
    for cell in ("EulerNet", "7.12", "1.50", "50", "–", "&lt;b&gt;"):
        assert f"<td>{cell}</td>" in page
    assert "<h1>Table &lt;1&gt;</h1>" in page
    assert ("SIMULATED DATA, not measurements" in page) is simulated


def test_texts_stand_below_their_names_as_they_are(tmp_path):
    log = tmp_path / "train.log"
    log.write_text("epoch 1, loss < 2\n")
    (tmp_path / "empty.log").touch()
    names = ("train.log", "empty.log", "absent.log")
    texts = log_texts({"train": [tmp_path / name for name in names]})
    assert [heading.split(":")[0] for heading, _ in texts] == ["train"] * 3
    page = text_page("Logs", texts, simulated=False)
    assert "<pre>epoch 1, loss &lt; 2</pre>" in page
    assert page.index("train.log") < page.index("nothing to report") < page.index("no log")


def test_the_notice_names_the_source():
    simulated = notice({"simulated": True, "source": "sim-v1"})
    assert simulated == "**SIMULATED DATA, not measurements** (sim-v1).\n"
    assert notice({"simulated": False, "source": "Mendeley Data"}) == "Data: Mendeley Data.\n"
