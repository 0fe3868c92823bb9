"""Small extracts as suppliers send them, written to a folder and read into a lake."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

import duckdb

from pipelines.contracts import source_contract
from pipelines.instruments import Instrument
from pipelines.reading import Delivery, PseudonymKey, create_lake_view, read_extract, resolve

CONTRACTS = {
    "admissions": "hes_apc",
    "outpatients": "hes_op",
    "emergency_care": "hes_ae",
    "population": "population",
    "enrolments": "pilot_enrolment",
    "opt_outs": "opt_out",
    "patient_survey": "survey",
}
DATA_UNTIL = date(2011, 6, 30)
EPISODE = {
    "EPIKEY": "1",
    "PSEUDO_HESID": "Ab1",
    "EPISTART": "2010-01-02",
    "EPIEND": "2010-01-05",
    "EPIORDER": "1",
    "EPISTAT": "3",
    "ADMIDATE": "2010-01-02",
    "DISDATE": "2010-01-05",
    "ADMIMETH": "2A",
    "ADMISORC": "19",
    "DISMETH": "1",
    "DISDEST": "19",
    "CLASSPAT": "1",
    "PROCODE3": "RXA",
    "SEX": "1",
    "STARTAGE": "67",
    "DIAG_01": "I10X",
    "DIAG_02": "J440",
    "DIAG_03": "-",
    "OPERTN_01": "X352",
}
APPOINTMENT = {
    "ATTENDKEY": "1",
    "PSEUDO_HESID": "Ab1",
    "APPTDATE": "2010-01-02",
    "ATTENDED": "5",
    "FIRSTATT": "1",
    "PROCODE3": "RXA",
    "TRETSPEF": "300",
}
ATTENDANCE = {
    "AEKEY": "1",
    "PSEUDO_HESID": "Ab1",
    "ARRIVALDATE": "2010-01-02",
    "ARRIVALTIME": "0930",
    "AEATTENDCAT": "1",
    "AEATTENDDISP": "03",
    "PROCODE3": "RXA",
}
PERSON = {"PSEUDO_HESID": "Ab1", "DOB": "1940-02-03", "SEX": "2"}
KEY = PseudonymKey(b"a key for tests")

Record = Mapping[str, str]


def as_csv(records: Sequence[Record], *, delimiter: str = ",", header: Sequence[str] | None = None) -> str:
    """Records as text with a header, nothing quoted."""
    names = list(header or records[0])
    lines = [delimiter.join(names), *(delimiter.join(record[name] for name in names) for record in records)]
    return "\n".join(lines) + "\n"


def zipped(members: Mapping[str, bytes | str], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive with these members, the same bytes at any time of day."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()


_OFFICE = "http://schemas.openxmlformats.org"
_SHEET_PARTS = {
    "[Content_Types].xml": f'''<Types xmlns="{_OFFICE}/package/2006/content-types">
        <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
        <Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml"
        ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>''',
    "_rels/.rels": f'''<Relationships xmlns="{_OFFICE}/package/2006/relationships"><Relationship Id="r1"
        Type="{_OFFICE}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>''',
    "xl/workbook.xml": f'''<workbook xmlns="{_OFFICE}/spreadsheetml/2006/main"
        xmlns:r="{_OFFICE}/officeDocument/2006/relationships">
        <sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>''',
    "xl/_rels/workbook.xml.rels": f'''<Relationships xmlns="{_OFFICE}/package/2006/relationships">
        <Relationship Id="r1" Type="{_OFFICE}/officeDocument/2006/relationships/worksheet" Target="sheet1.xml"/>
        <Relationship Id="r2" Type="{_OFFICE}/officeDocument/2006/relationships/styles" Target="styles.xml"/>
        </Relationships>''',
    "xl/styles.xml": f'''<styleSheet xmlns="{_OFFICE}/spreadsheetml/2006/main"><cellXfs><xf numFmtId="0"/>
        <xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>''',
}


def as_xlsx(rows: Sequence[Sequence[str | int | date]]) -> bytes:
    """A spreadsheet of one sheet: texts, numbers, and dates as a spreadsheet keeps them (days since 1899-12-30)."""
    lines = "".join(f"<row>{''.join(_sheet_cell(value) for value in row)}</row>" for row in rows)
    sheet = f'<worksheet xmlns="{_OFFICE}/spreadsheetml/2006/main"><sheetData>{lines}</sheetData></worksheet>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {**_SHEET_PARTS, "xl/sheet1.xml": sheet}.items():
            archive.writestr(name, f'<?xml version="1.0"?>{content}')
    return buffer.getvalue()


def _sheet_cell(value: str | int | date) -> str:
    if isinstance(value, date):
        return f'<c s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>' if value else "<c/>"


class SmallLake:
    """A folder of extracts and the lake that is read from it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})

    def folder(self, extract: str = "admissions") -> Path:
        folder = self.root / "extracts" / extract
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def put(self, name: str, content: str | bytes, *, extract: str = "admissions") -> Path:
        path = self.folder(extract) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(
        self,
        extract: str = "admissions",
        *,
        data_until: date = DATA_UNTIL,
        key: PseudonymKey | None = None,
        instrument: Instrument | None = None,
        heard: list[str] | None = None,
    ) -> tuple[Delivery, ...]:
        found = read_extract(
            self.connection,
            extract=extract,
            contract=source_contract(CONTRACTS[extract]),
            folder=self.folder(extract),
            lake=self.root / "lake",
            data_until=data_until,
            key=key,
            instrument=instrument,
            progress=heard.append if heard is not None else None,
        )
        return resolve(found)

    def rows(self, extract: str, columns: str, deliveries: tuple[Delivery, ...]) -> list[tuple[object, ...]]:
        """Columns of the extract's view, ordered by all of them."""
        contract = source_contract(CONTRACTS[extract])
        create_lake_view(self.connection, name="lake", contract=contract, deliveries=deliveries)
        return self.connection.execute(f"select {columns} from lake order by all").fetchall()

    def quarantined(self, delivery: Delivery, columns: str) -> list[tuple[object, ...]]:
        """Columns of a delivery's refused records, in their order."""
        return self.connection.execute(
            f"select {columns} from read_parquet(?) order by record", [str(delivery.quarantine)]
        ).fetchall()


def one_value(lake: SmallLake, column: str, written: str, *, shown: str | None = None) -> tuple[object, ...]:
    """An episode with one column written so: the value in the lake, what was nulled, what was repaired."""
    lake.put("a.csv", as_csv([{**EPISODE, column: written}]))
    rows = lake.rows("admissions", f"{shown or column}, nulled_fields, repaired_fields", lake.read())
    assert len(rows) == 1
    return rows[0]


def one_refusal(lake: SmallLake, extract: str, record: Record) -> tuple[object, ...]:
    """A record that must be refused: rule, further rules, column and text in quarantine."""
    lake.put("a.csv", as_csv([record]), extract=extract)
    (delivery,) = lake.read(extract)
    assert (delivery.rows_read, delivery.rows_quarantined) == (1, 1)
    return lake.quarantined(delivery, "rule_id, also_failed, column_name, original_text")[0]
