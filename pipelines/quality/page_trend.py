"""A rule's trend over its last runs: a small line drawn in the page, and the same in words."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.etree.ElementTree import Element

from pipelines.masking import masked_share
from pipelines.quality.page_elements import counted, element
from pipelines.quality.page_findings import Finding, Point

WIDTH, HEIGHT, MARGIN = 168, 44, 5
ABSENT = {"absent": "took no part", "not_evaluated": "not evaluated", "error": "could not run"}


def trend(finding: Finding) -> Element:
    """The share of failed rows in the last runs as a line, with the threshold dashed; in words where no line tells."""
    points = finding.trend
    if len(points) == 1:
        return element("span", "First run", class_="quiet")
    if all(point.status == "pass" and not point.failed_rows for point in points):
        return element("span", f"No failed row in {counted(len(points), 'run')}", class_="quiet")
    if not any(point.drawn_share is not None for point in points):
        return element("span", f"No share in {counted(len(points), 'run')}", class_="quiet")
    line = _line(points, finding.threshold)
    return element("div", line, element("span", range_in_words(points), class_="quiet"))


def range_in_words(points: Sequence[Point]) -> str:
    """Lowest and highest share of the last runs, masked."""
    shares = sorted((p for p in points if p.drawn_share is not None), key=lambda p: p.drawn_share or 0.0)
    low, high = _outcome(shares[0]), _outcome(shares[-1])
    runs = counted(len(points), "run")
    return f"{runs}: {low}" if low == high else f"{runs}: lowest {low}, highest {high}"


def trend_in_words(points: Sequence[Point]) -> str:
    """Every run's outcome, oldest first, masked: the text that stands for the line."""
    listed = ", ".join(_outcome(point) for point in points)
    return f"Share of failed rows in the last {counted(len(points), 'run')}, oldest first: {listed}"


def _outcome(point: Point) -> str:
    if point.failed_rows is None or point.evaluated_rows is None:
        return ABSENT.get(point.status, point.status.replace("_", " "))
    return masked_share(point.failed_rows, point.evaluated_rows)


def _line(points: Sequence[Point], threshold: float | None) -> Element:
    drawn = [point.drawn_share for point in points]
    top = 1.15 * max([share for share in drawn if share is not None] + [threshold or 0.0]) or 1.0
    placed = [(_x(at, len(points)), _y(share, top), points[at]) for at, share in enumerate(drawn) if share is not None]
    parts = [element("line", class_="floor", **_from_to(HEIGHT - MARGIN))]
    if threshold:
        parts.append(element("line", class_="threshold", **_from_to(_y(threshold, top))))
    parts += [element("polyline", points=" ".join(run)) for run in _unbroken(drawn, top) if len(run) > 1]
    for x, y, point in placed:
        kind, radius = "failed" if point.status == "fail" else "passed", "3" if point is points[-1] else "2"
        parts.append(element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=radius, class_=kind))
    words = trend_in_words(points)
    return element("svg", element("title", words), *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", class_="trend")


def _unbroken(drawn: Sequence[float | None], top: float) -> Iterable[list[str]]:
    """The stretches of the line between runs without a share, as coordinates."""
    for is_gap, stretch in groupby(enumerate(drawn), key=lambda place: place[1] is None):
        if not is_gap:
            yield [f"{_x(at, len(drawn)):.1f},{_y(share or 0.0, top):.1f}" for at, share in stretch]


def _x(at: int, runs: int) -> float:
    return MARGIN + (WIDTH - 2 * MARGIN) * at / max(runs - 1, 1)


def _y(share: float, top: float) -> float:
    return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share / top


def _from_to(y: float) -> dict[str, str]:
    return {"x1": str(MARGIN), "x2": str(WIDTH - MARGIN), "y1": f"{y:.1f}", "y2": f"{y:.1f}"}
