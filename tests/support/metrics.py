"""Every metric that the code registers."""

import importlib
from typing import Any

from prometheus_client import REGISTRY

from tests.support.services import ROOT, source_files

_SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


def metrics() -> dict[str, set[str]]:
    """What the code registers: each series' name with its labels."""
    for path in source_files("kit", "services"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        # gunicorn's settings read the environment when they are imported, and register nothing.
        if "prometheus_client" in path.read_text(encoding="utf-8") and not name.endswith("gunicorn_conf"):
            importlib.import_module(name)
    found: dict[str, set[str]] = {}
    collectors: set[Any] = set(REGISTRY._collector_to_names)
    for collector in collectors:
        for metric in collector.describe() if hasattr(collector, "_labelnames") else ():
            for suffix in _SUFFIXES[metric.type]:
                buckets = {"le"} if suffix == "_bucket" else set()
                found[metric.name + suffix] = set(collector._labelnames) | buckets
    return found
