"""Reads the histograms of running services from where they show their metrics."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterable, Mapping, Sequence

from prometheus_client.parser import text_string_to_metric_families

from loadtest.histograms import Buckets

Key = tuple[str, tuple[tuple[str, str], ...]]


class Scraper:
    """Reads histograms twice: what was observed between `begin` and `end` is what a load test is judged by.

    Args:
        addresses: host:port of each process, with Prometheus metrics under /metrics.
        metrics: the names of the histograms to read.
    """

    def __init__(self, addresses: Sequence[str], metrics: Iterable[str]) -> None:
        self._addresses = addresses
        self._metrics = frozenset(metrics)
        self._before: Mapping[str, Mapping[Key, Buckets]] = {}

    async def begin(self) -> None:
        """Remembers what was observed before. Raises ConnectionError where a process shows no metrics."""
        self._before = await self._read()

    async def end(self) -> list[Buckets]:
        """What all processes observed since, those series left out in which nothing was."""
        after = await self._read()
        sums: dict[Key, Buckets] = {}
        for address, series in after.items():
            for key, one in series.items():
                since = one.since(self._before.get(address, {}).get(key))
                sums[key] = since if (so_far := sums.get(key)) is None else so_far.plus(since)
        return [one for one in sums.values() if one.count]

    async def _read(self) -> Mapping[str, Mapping[Key, Buckets]]:
        texts = await asyncio.gather(*(asyncio.to_thread(_get, address) for address in self._addresses))
        return {
            address: {(each.metric, tuple(sorted(each.labels.items()))): each for each in parse(text, self._metrics)}
            for address, text in zip(self._addresses, texts, strict=True)
        }


def parse(text: str, metrics: frozenset[str]) -> list[Buckets]:
    """The histograms of these names in Prometheus' text format."""
    found: list[Buckets] = []
    for family in text_string_to_metric_families(text):
        if family.type != "histogram" or family.name not in metrics:
            continue
        counts: dict[tuple[tuple[str, str], ...], dict[float, float]] = {}
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
                counts.setdefault(labels, {})[float(sample.labels["le"])] = sample.value
        found += [Buckets(family.name, dict(labels), by_bound) for labels, by_bound in counts.items()]
    return found


def _get(address: str) -> str:
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            text: bytes = answer.read()
    except OSError as failure:
        raise ConnectionError(f"no metrics at {address}: {failure}") from failure
    return text.decode()
