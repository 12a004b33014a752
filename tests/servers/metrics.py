"""What a process has counted, from the text that Prometheus would scrape."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["counted"]


def counted(scraped: str, name: str, **labels: str) -> int:
    """The value of a counter; 0 when nothing was counted."""
    samples = (sample for family in text_string_to_metric_families(scraped) for sample in family.samples)
    return round(sum(each.value for each in samples if (each.name, each.labels) == (name, labels)))
