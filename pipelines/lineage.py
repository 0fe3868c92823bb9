"""The picture of the lineage, drawn from the asset definitions themselves: a column per layer, an arrow per read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from html import escape

import dagster as dg

LAYERS = (
    "extracts",
    "lake",
    "staging",
    "ledger",
    "intermediate",
    "marts",
    "matching",
    "estimates",
    "quality",
    "published",
)
PARAMETERS = "parameters"
WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 206, 22, 56, 8, 16
STYLE = (
    "text{font:12px sans-serif;fill:#1b2a33}.layer{font-weight:bold;font-size:13px}"
    ".box{fill:#eef4f7;stroke:#7f9aa8}.parameters{fill:#fbf3e2;stroke:#c0a468}"
    "path{fill:none;stroke:#9fb3bd;stroke-width:1}"
)


@dataclass(frozen=True)
class Node:
    """One asset, or a whole group of parameter tables shown as one box."""

    name: str
    layer: str
    parents: tuple[str, ...]


def lineage_nodes(assets: Iterable[dg.AssetsDefinition | dg.AssetSpec]) -> tuple[Node, ...]:
    """Every asset with its layer and what it reads; parameter tables count as one node each group."""
    specs = {spec.key: spec for asset in assets for spec in _specs(asset)}
    nodes: dict[str, Node] = {}
    for key, spec in specs.items():
        if spec.group_name == PARAMETERS:
            continue
        parents = dict.fromkeys(_shown(dep.asset_key, specs) for dep in spec.deps)
        name = "/".join(key.path)
        nodes[name] = Node(name=name, layer=spec.group_name or "", parents=tuple(parents))
    return tuple(nodes.values())


def lineage_svg(nodes: Iterable[Node]) -> str:
    """An SVG of the graph: boxes in a column per layer, an arrow from what is read to what reads it.

    An arrow that only repeats a longer way is left out.
    """
    by_name = {node.name: node for node in nodes}
    places, ancestors = _places(by_name), _ancestors(by_name)
    boxes = [_box(name, places[name], by_name) for name in by_name]
    arrows = [
        _arrow(places[parent], places[node.name])
        for node in by_name.values()
        for parent in node.parents
        if parent in places and not _is_repeated(parent, node, ancestors)
    ]
    width = max(x for x, _ in places.values()) + WIDTH + 2 * MARGIN
    height = max(y for _, y in places.values()) + HEIGHT + MARGIN
    titles = [
        f'<text class="layer" x="{_column_x(i)}" y="{MARGIN + 8}">{layer}</text>'
        for i, layer in enumerate(_layers(by_name))
    ]
    body = "\n".join([*arrows, *boxes, *titles])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'\n<style>{STYLE}</style>\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _specs(asset: dg.AssetsDefinition | dg.AssetSpec) -> Iterable[dg.AssetSpec]:
    return [asset] if isinstance(asset, dg.AssetSpec) else asset.specs


def _shown(key: dg.AssetKey, specs: Mapping[dg.AssetKey, dg.AssetSpec]) -> str:
    spec = specs.get(key)
    return PARAMETERS if spec is not None and spec.group_name == PARAMETERS else "/".join(key.path)


def _layers(nodes: Mapping[str, Node]) -> list[str]:
    present = {node.layer for node in nodes.values()}
    return [layer for layer in LAYERS if layer in present]


def _places(nodes: Mapping[str, Node]) -> dict[str, tuple[int, int]]:
    places: dict[str, tuple[int, int]] = {}
    for column, layer in enumerate(_layers(nodes)):
        members = [node for node in nodes.values() if node.layer == layer]
        members.sort(key=lambda node: (_depth(node, nodes), _mean_height(node, places), node.name))
        for row, node in enumerate(members):
            places[node.name] = (_column_x(column), MARGIN + 24 + row * (HEIGHT + GAP_Y))
    return places


def _is_repeated(parent: str, node: Node, ancestors: Mapping[str, frozenset[str]]) -> bool:
    return any(parent in ancestors.get(other, ()) for other in node.parents if other != parent)


def _ancestors(nodes: Mapping[str, Node]) -> dict[str, frozenset[str]]:
    """All that each node reads, directly or not; each is worked out once, since ways multiply from layer to layer."""
    found: dict[str, frozenset[str]] = {}
    graph = {name: [parent for parent in node.parents if parent in nodes] for name, node in nodes.items()}
    for name in TopologicalSorter(graph).static_order():
        parents = nodes[name].parents
        found[name] = frozenset(parents).union(*(found[parent] for parent in graph[name]))
    return found


def _depth(node: Node, nodes: Mapping[str, Node]) -> int:
    """Length of the longest way to a node within its own layer."""
    inside = [nodes[parent] for parent in node.parents if parent in nodes and nodes[parent].layer == node.layer]
    return 1 + max((_depth(parent, nodes) for parent in inside), default=0)


def _mean_height(node: Node, places: Mapping[str, tuple[int, int]]) -> float:
    heights = [places[parent][1] for parent in node.parents if parent in places]
    return sum(heights) / len(heights) if heights else 0.0


def _column_x(column: int) -> int:
    return MARGIN + column * (WIDTH + GAP_X)


def _box(name: str, place: tuple[int, int], nodes: Mapping[str, Node]) -> str:
    x, y = place
    kind = "box parameters" if PARAMETERS in nodes[name].parents else "box"
    return (
        f'<rect class="{kind}" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="4"/>'
        f'<text x="{x + 8}" y="{y + 15}">{escape(name)}</text>'
    )


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x1, y1), (x2, y2) = start, end
    y1, y2 = y1 + HEIGHT // 2, y2 + HEIGHT // 2
    if x1 == x2:
        edge = x1 + WIDTH
        return f'<path d="M{edge} {y1} C{edge + 30} {y1} {edge + 30} {y2} {edge} {y2}"/>'
    x1 += WIDTH
    bend = (x1 + x2) // 2
    return f'<path d="M{x1} {y1} C{bend} {y1} {bend} {y2} {x2} {y2}"/>'
