"""The reasons for admission that simulated people have, with their codes and what the codes stand for.

Weights and groupings are made up for the demonstration; only the codes themselves are real.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Condition:
    """A primary diagnosis (ICD-10) with procedure (OPCS-4), healthcare resource group and specialty.

    `is_sensitive`: ambulatory care sensitive; `is_day_case`: usually treated in a day.
    """

    diagnosis: str
    weight: float
    hrg: str
    specialty: str
    procedure: str = "-"
    is_sensitive: bool = False
    is_cancer: bool = False
    is_chemotherapy: bool = False
    is_day_case: bool = False


EMERGENCY = (
    Condition("J440", 7, "DZ21A", "340", is_sensitive=True),
    Condition("J181", 7, "DZ11A", "300", is_sensitive=True),
    Condition("I500", 6, "EB03H", "320", is_sensitive=True),
    Condition("N390", 6, "LA04F", "300", is_sensitive=True),
    Condition("L031", 3, "JD03A", "300", is_sensitive=True),
    Condition("I48X", 3, "EB07H", "320", is_sensitive=True),
    Condition("K529", 3, "FZ36C", "300", is_sensitive=True),
    Condition("E116", 2, "KB02E", "300", is_sensitive=True),
    Condition("G409", 2, "AA26Z", "300", is_sensitive=True),
    Condition("F03X", 1, "WD01B", "430", is_sensitive=True),
    Condition("J209", 3, "DZ22A", "300"),  # sensitive only beside chronic obstructive pulmonary disease
    Condition("R074", 9, "EB01Z", "300"),
    Condition("R55X", 5, "EB08H", "300"),
    Condition("R296", 6, "WA23X", "430"),
    Condition("S720", 4, "HA11A", "110", procedure="W241"),
    Condition("I639", 4, "AA22Z", "300"),
    Condition("I214", 4, "EB10Z", "320", procedure="K751"),
    Condition("A419", 3, "WA03X", "300"),
    Condition("K922", 3, "FZ38E", "301", procedure="G459"),
    Condition("K573", 2, "FZ37D", "100"),
    Condition("C349", 2, "DZ17A", "340", is_cancer=True),
)

PLANNED = (
    Condition("H251", 12, "BZ02Z", "130", procedure="C751", is_day_case=True),
    Condition("K635", 8, "FZ51Z", "301", procedure="H229", is_day_case=True),
    Condition("K297", 6, "FZ60Z", "301", procedure="G451", is_day_case=True),
    Condition("N40X", 4, "LB25E", "101", procedure="M653"),
    Condition("M169", 5, "HB12C", "110", procedure="W371"),
    Condition("M171", 5, "HB21C", "110", procedure="W401"),
    Condition("K409", 4, "FZ18C", "100", procedure="T202", is_day_case=True),
    Condition("K801", 3, "GA10D", "100", procedure="J183"),
    Condition("I251", 4, "EA36A", "320", procedure="K633", is_day_case=True),
    Condition("C509", 2, "JA09B", "100", procedure="B274", is_cancer=True),
    Condition("C189", 2, "FZ66A", "100", procedure="H074", is_cancer=True),
)

CHEMOTHERAPY = (
    Condition("Z511", 2, "SB14Z", "800", "X723", is_cancer=True, is_chemotherapy=True, is_day_case=True),
    Condition("C509", 1, "SB14Z", "800", "X723", is_cancer=True, is_chemotherapy=True, is_day_case=True),
)

DIALYSIS = (Condition("N185", 1, "LD02A", "361", procedure="X403", is_day_case=True),)
BIRTH = (Condition("O800", 1, "NZ01B", "501", procedure="R249"),)

CONDITIONS = (*EMERGENCY, *PLANNED, *CHEMOTHERAPY, *DIALYSIS, *BIRTH)

ACUTE_BRONCHITIS = "J209"
CHRONIC_OBSTRUCTIVE_PULMONARY_DISEASE = "J449"
COMORBIDITIES = (
    ("has_hypertension", "I10X", 0.45),
    ("has_diabetes", "E119", 0.16),
    ("has_copd", CHRONIC_OBSTRUCTIVE_PULMONARY_DISEASE, 0.10),
    ("has_dementia", "F03X", 0.07),
    ("has_cancer", "C80X", 0.04),
)
