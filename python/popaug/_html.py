"""What notebooks show: a policy as a table, a schedule as a heat map over its epochs."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from popaug import _core

if TYPE_CHECKING:
    from popaug._schedule import Schedule
    from popaug._values import Policy

_ROW = 18  # pixels
_LABEL = 110
_WIDTH = 640


def policy_table(policy: Policy) -> str:
    """The entries that can happen, the likeliest first."""
    active = sorted((e for e in policy.entries if e.probability > 0), key=lambda e: -e.probability)
    rows = "".join(f"<tr><td>{escape(e.op)}</td><td>{e.probability:g}</td><td>{e.level}</td></tr>" for e in active)
    off = len(policy.entries) - len(active)
    return (
        "<table><thead><tr><th>op</th><th>probability</th><th>level</th></tr></thead>"
        f"<tbody>{rows}</tbody></table><small>{off} entries with probability 0</small>"
    )


def _shade(share: float) -> str:
    """White to dark blue for 0 to 1, in equal steps of lightness."""
    return f"hsl(215,70%,{100 - 65 * min(max(share, 0.0), 1.0):.0f}%)"


def heat_map(schedule: Schedule) -> str:
    """An SVG: ops down, epochs across, the darker the more often an image gets the op.

    Each field's tooltip says how often, with which probability and at which mean level.
    """
    names = [op.op for op in schedule.space.ops]
    segments = schedule.to_json()["segments"]
    summaries = _core.summarise(schedule._text)
    highest = max((applied for row in summaries for _, _, applied in row), default=0.0) or 1.0
    total = schedule.epochs
    parts = []
    first = 0
    for segment, row in zip(segments, summaries, strict=True):
        x = _LABEL + _WIDTH * first / total
        width = _WIDTH * segment["epochs"] / total
        last = first + segment["epochs"] - 1
        for i, (name, (probability, level, applied)) in enumerate(zip(names, row, strict=True)):
            hint = (
                f"{name}, epochs {first} to {last}: {applied:.2f} times per image, "
                f"probability {probability:.2f}, level {level:.1f}"
            )
            parts.append(
                f'<rect x="{x:.1f}" y="{i * _ROW}" width="{width:.2f}" height="{_ROW - 1}" '
                f'fill="{_shade(applied / highest)}"><title>{escape(hint)}</title></rect>'
            )
        first = last + 1
    labels = "".join(
        f'<text x="{_LABEL - 6}" y="{i * _ROW + 13}" text-anchor="end">{escape(name)}</text>'
        for i, name in enumerate(names)
    )
    height = len(names) * _ROW
    axis = (
        f'<text x="{_LABEL}" y="{height + 14}">epoch 0</text>'
        f'<text x="{_LABEL + _WIDTH}" y="{height + 14}" text-anchor="end">{total}</text>'
    )
    return (
        f"<div><b>{escape(schedule.name)}</b>: {len(segments)} segments over {total} epochs; dark: "
        f"{highest:.2f} times per image"
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LABEL + _WIDTH}" height="{height + 20}" '
        f'font-size="12" font-family="sans-serif" fill="currentColor" style="display:block">'
        f"{''.join(parts)}{labels}{axis}</svg></div>"
    )
