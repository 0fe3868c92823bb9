"""What lies in the extracts' folders and in the lake, told by names, sizes and times alone: nothing is opened."""

import hashlib
from collections.abc import Iterable, Mapping

from pipelines.lake import SURVEYS
from pipelines.protocol import EXTRACT_CONTRACTS
from pipelines.reading import Delivery
from pipelines.reading.discovery import is_ignored, look_at, shown_name
from pipelines.study import Study

Looks = Mapping[str, tuple[int, int]]


def look_at_extracts(study: Study) -> Looks:
    """Size in bytes and time in nanoseconds of every delivery that lies there now, by `<extract>/<file>`."""
    looks: dict[str, tuple[int, int]] = {}
    for extract in study.protocol.extracts:
        for path in study.extract_folder(extract).iterdir():
            if not is_ignored(path.name):
                look = look_at(path)
                looks[f"{extract}/{shown_name(path)}"] = (look.size, look.modified_ns)
    return looks


def changed_between(before: Looks, now: Looks) -> tuple[str, ...]:
    """The files that came, grew or were replaced between two looks, by name: they may not be complete yet."""
    return tuple(sorted(name for name, look in now.items() if before.get(name) != look))


def arrivals_key(looks: Looks) -> str:
    """One hash of the whole set; another set, or another size or time of any file, is another key."""
    lines = (f"{name}\0{size}\0{modified_ns}\n" for name, (size, modified_ns) in sorted(looks.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:32]


def lake_contents(study: Study) -> frozenset[str]:
    """What was read into the lake so far: `<extract>/<delivery_id>` of every delivery."""
    return frozenset(f"{note.parent.name}/{note.stem}" for note in study.lake.glob("*/*.json"))


def roles_with_news(before: frozenset[str], after: frozenset[str]) -> tuple[str, ...]:
    """The roles of the extracts of which something was read in between; all surveys have one role."""
    return tuple(sorted({_role(name.split("/")[0]) for name in after - before}))


def rows_delivered(deliveries: Iterable[Delivery], role: str) -> int:
    """Records read from the files of a role's extracts, those of replaced files too."""
    return sum(delivery.rows_read for delivery in deliveries if _role(delivery.extract) == role)


def _role(extract: str) -> str:
    return extract if extract in EXTRACT_CONTRACTS else SURVEYS
