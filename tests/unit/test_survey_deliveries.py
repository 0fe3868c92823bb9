"""Survey files: wide, with the items of an instrument; answers stay text."""

from pathlib import Path

from pipelines.contracts import source_contract
from pipelines.instruments import Instrument, Item
from pipelines.reading import create_lake_view
from tests.small_extracts import SmallLake, one_refusal

INSTRUMENT = Instrument(
    instrument="experience",
    respondents="patients",
    items=(
        Item(id="involved", column="Involved", label="Involved", valid=("1", "2"), positive=("1",)),
        Item(id="knew", column="knew_contact", label="Knew", valid=("1", "2"), positive=("1",)),
    ),
    waves={"baseline": 1, "follow_up": 2},
)


def test_answers_stand_beside_their_extract_and_instrument(tmp_path: Path):
    lake = SmallLake(tmp_path)
    text = "pseudo_hesid,wave,site,involved,design_weight,comment\na,1,S1,2.0,1.5,x\nb,1.0,S1,-,,y\n"
    lake.put("a.csv", text, extract="patient_survey")
    deliveries = lake.read("patient_survey", instrument=INSTRUMENT)
    create_lake_view(
        lake.connection,
        name="lake_surveys",
        contract=source_contract("survey"),
        deliveries=deliveries,
        instruments=(INSTRUMENT,),
    )
    columns = 'extract, instrument, person_id, staff_id, wave, site, "group", design_weight, involved, knew_contact'
    rows = lake.connection.execute(f"select {columns} from lake_surveys order by person_id").fetchall()
    assert rows == [
        ("patient_survey", "experience", "a", None, "1", "S1", None, 1.5, "2", None),
        ("patient_survey", "experience", "b", None, "1", "S1", None, None, None, None),
    ]
    assert deliveries[0].ignored_columns == ("COMMENT",)


def test_without_any_survey_the_items_are_still_columns(tmp_path: Path):
    lake = SmallLake(tmp_path)
    survey = source_contract("survey")
    create_lake_view(lake.connection, name="v", contract=survey, deliveries=(), instruments=(INSTRUMENT,))
    assert lake.connection.execute("select extract, instrument, involved, knew_contact from v").fetchall() == []


def test_a_respondent_is_a_person_or_a_member_of_staff(tmp_path: Path):
    record = {"PSEUDO_HESID": "", "STAFF_ID": "-", "WAVE": "1", "SITE": "S1"}
    found = one_refusal(SmallLake(tmp_path), "patient_survey", record)
    assert found[0] == "missing_respondent"


def test_a_file_without_respondents_is_refused(tmp_path: Path):
    lake = SmallLake(tmp_path)
    lake.put("a.csv", "WAVE,SITE\n1,S1\n", extract="patient_survey")
    (delivery,) = lake.read("patient_survey")
    assert (delivery.status, "STAFF_ID" in delivery.reason) == ("refused", True)
