"""The key that turns NHS numbers into pseudonyms: from the environment, never from a file of the study."""

import os

from pipelines.reading import PseudonymKey
from pipelines.study import Study

VARIABLE = "ICP_PSEUDONYM_KEY"


def key_of_study(study: Study) -> PseudonymKey | None:
    """The key in `ICP_PSEUDONYM_KEY`; for a study of made-up people one derived from its name, else None.

    The derived one is no secret: it serves only numbers that start with 999, which are given to nobody.
    """
    secret = os.environ.get(VARIABLE)
    if secret:
        return PseudonymKey(secret.encode())
    if study.protocol.synthetic:
        return PseudonymKey(f"made-up people of {study.protocol.study}".encode(), made_up_only=True)
    return None
