"""The Grafana board: whole, drawn from metrics that exist, and showing whatever an alert may be about."""

import json
import re
from collections import Counter
from itertools import combinations, pairwise
from typing import Any

import pytest
import yaml

from tests.support.metrics import metrics
from tests.support.services import ROOT, source_files

FOLDER = ROOT / "deploy" / "monitoring"
BOARD = json.loads((FOLDER / "board.json").read_text(encoding="utf-8"))
PANELS = [each for each in BOARD["panels"] if each["type"] != "row"]
TARGETS = [pytest.param(target, id=f"{each['id']}{target['refId']}") for each in PANELS for target in each["targets"]]
METRIC = re.compile(r"\bascms_[a-z_]+")
SELECTOR = re.compile(r"(ascms_[a-z_]+|up)\{([^}]*)\}")
FUNCTIONS = {"sum", "min", "max", "rate", "increase", "histogram_quantile", "topk", "time", "on", "by"}
ROWS = ["Processes", "Pages and REST", "Service: $job", "Outbox", "Consumers", "Jobs", "Deadlines", "Sign-ins", "Mails"]
FROM_PROMETHEUS = {"job", "instance"}
WIDTH = 24


def test_the_board_has_its_rows_and_each_row_has_panels() -> None:
    kinds = [each["type"] for each in BOARD["panels"]]
    titles = [each["title"] for each in BOARD["panels"] if each["type"] == "row"]

    assert titles[: len(ROWS)] == ROWS
    assert ("row", "row") not in set(pairwise([*kinds, "row"]))


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    assert max(Counter(each["id"] for each in BOARD["panels"]).values()) == 1
    assert all(each["gridPos"]["x"] + each["gridPos"]["w"] <= WIDTH for each in BOARD["panels"])
    overlapping = [
        (one["title"], other["title"]) for one, other in combinations(BOARD["panels"], 2) if meet(one, other)
    ]
    assert overlapping == []


def meet(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two panels cover a cell of the grid together."""
    a, b = one["gridPos"], other["gridPos"]
    is_beside = a["x"] >= b["x"] + b["w"] or b["x"] >= a["x"] + a["w"]
    is_below = a["y"] >= b["y"] + b["h"] or b["y"] >= a["y"] + a["h"]
    return not (is_beside or is_below)


@pytest.mark.parametrize("panel", PANELS, ids=lambda each: f"{each['id']}-{each['title']}")
def test_a_panel_says_what_it_shows_and_in_what(panel: dict[str, Any]) -> None:
    variables = {each["name"] for each in BOARD["templating"]["list"]}

    assert panel["title"]
    assert panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert [target["refId"] for target in panel["targets"]] == list("ABCDEF"[: len(panel["targets"])])
    assert panel["datasource"]["uid"] == "${datasource}"
    used = set(re.findall(r"\$(?!__)(\w+)", json.dumps(panel["targets"])))
    assert used <= variables


@pytest.mark.parametrize("target", TARGETS)
def test_a_panel_asks_for_metrics_and_labels_that_exist(target: dict[str, str]) -> None:
    known, expression = metrics(), target["expr"]
    used = set(METRIC.findall(expression))
    labels = set().union(*(known.get(name, set()) for name in used)) | FROM_PROMETHEUS
    grouped = {label.strip() for by in re.findall(r"by \(([^)]*)\)", expression) for label in by.split(",")}
    shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))

    assert used or expression.startswith("up{")
    assert used - known.keys() == set()
    assert (grouped | shown) - labels == set()
    assert shown <= grouped | FROM_PROMETHEUS, "what is summed over has no label left to show"
    for name, matchers in SELECTOR.findall(expression):
        assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= known.get(name, set()) | FROM_PROMETHEUS
    for named in re.findall(r'(?:route|method)="([^"]+)"', expression):
        assert any(f"{named}" in path.read_text(encoding="utf-8") for path in source_files("services"))


@pytest.mark.parametrize("target", TARGETS)
def test_an_expression_is_well_formed(target: dict[str, str]) -> None:
    expression = target["expr"]

    assert [expression.count(each) for each in "([{"] == [expression.count(each) for each in ")]}"]
    assert set(re.findall(r"\b([a-z_]+) ?\(", expression)) <= FUNCTIONS
    for counter in re.findall(r"ascms_[a-z_]+_(?:total|count|bucket)\b", expression):
        assert re.search(rf"(rate|increase)\({counter}(\{{[^}}]*\}})?\[", expression), "counters only ever grow"


def test_whatever_an_alert_is_about_is_on_the_board() -> None:
    alerts = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
    asked = {name for group in alerts["groups"] for rule in group["rules"] for name in METRIC.findall(rule["expr"])}
    drawn = {name for each in PANELS for target in each["targets"] for name in METRIC.findall(target["expr"])}
    told = " ".join(each["description"] for each in PANELS)

    assert asked - drawn == set()
    unnamed = [rule["alert"] for group in alerts["groups"] for rule in group["rules"] if rule["alert"] not in told]
    assert unnamed == []
