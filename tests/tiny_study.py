"""A hand-made study of a few people, for tests of whole runs: every number in it can be followed by eye."""

from collections.abc import Mapping
from pathlib import Path

PROTOCOL = """
study: tiny
synthetic: true
extracts:
  admissions: {contract: hes_apc}
  population: {contract: population}
  enrolments: {contract: pilot_enrolment}
periods: {look_back_months: 6, baseline_months: 6, follow_up_months: 6, data_until: 2010-12-31}
outcomes:
  - {metric: emergency_admissions, priority: primary, benefits: service_users, expected: decrease}
"""
# Two pilot people (index 1 July 2010) and one other; A was admitted twice before and once after, B once after.
FILES = {
    "admissions/admissions_2010-01_to_2010-12.csv": """\
EPIKEY,PSEUDO_HESID,EPISTART,EPIEND,EPIORDER,EPISTAT,ADMIDATE,DISDATE,ADMIMETH,ADMISORC,DISMETH,DISDEST,CLASSPAT,PROCODE3
1,A,2010-02-01,2010-02-03,1,3,2010-02-01,2010-02-03,21,19,1,19,1,RXX
2,A,2010-05-01,2010-05-01,1,3,2010-05-01,2010-05-01,21,19,1,19,1,RXX
3,A,2010-09-01,2010-09-02,1,3,2010-09-01,2010-09-02,21,19,1,19,1,RXX
4,B,2010-10-01,2010-10-02,1,3,2010-10-01,2010-10-02,21,19,1,19,1,RXX
5,C,2010-03-01,2010-03-02,1,3,2010-03-01,2010-03-02,21,19,1,19,1,RXX
""",
    "population/population.csv": "PSEUDO_HESID,DOB,SEX\nA,1930-01-01,1\nB,1931-01-01,2\nC,1932-01-01,2\n",
    "enrolments/enrolments.csv": "PSEUDO_HESID,SITE,INDEX_DATE\nA,S1,2010-07-01\nB,S1,2010-07-01\n",
}


def write_tiny_study(folder: Path, *, protocol: str = PROTOCOL, files: Mapping[str, str | None] | None = None) -> Path:
    """Writes the study into a folder; `files` replaces or adds extracts by path, None leaves one out."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "protocol.yaml").write_text(protocol, encoding="utf-8")
    for name, text in (FILES | dict(files or {})).items():
        path = folder / "extracts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_text(text, encoding="utf-8")
    return folder
