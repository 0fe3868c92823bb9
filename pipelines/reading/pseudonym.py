"""NHS numbers become pseudonyms before anything is stored: keyed, so that ten digits cannot be tried out."""

import hashlib
import hmac
from dataclasses import dataclass, field

MADE_UP = "999"
_BLOCK = 64


@dataclass(frozen=True)
class PseudonymKey:
    """The secret of one study; it is never printed, stored or part of an SQL text.

    `made_up_only`: anyone can derive the secret, so it may stand in only for numbers of made-up people.
    """

    secret: bytes = field(repr=False)
    made_up_only: bool = False

    @property
    def key_id(self) -> str:
        """Eight hex that tell one key from another and give nothing of it away."""
        derived = hmac.new(self.secret, b"pseudonym key id", hashlib.sha256).digest()
        return hashlib.sha256(derived).hexdigest()[:8]

    @property
    def pads(self) -> tuple[bytes, bytes]:
        """Inner and outer key blocks of HMAC-SHA256 (RFC 2104): the secret xor 0x36 and xor 0x5c."""
        secret = hashlib.sha256(self.secret).digest() if len(self.secret) > _BLOCK else self.secret
        block = secret.ljust(_BLOCK, b"\0")
        return bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block)


def hmac_sql(message: str) -> str:
    """First 32 hex of HMAC-SHA256 of a text expression; `$inner` and `$outer` are the key's pads as parameters."""
    inner = f"sha256($inner::blob || encode({message}))"
    return f"left(sha256($outer::blob || unhex({inner})), 32)"


def nhs_number_rule_sql(written: str, digits: str, number: str | None = None) -> str:
    """Id of the rule that an NHS number fails, null if it is valid (NHS Data Dictionary: modulus 11).

    `written` is the cell, `digits` the same without blanks and hyphens, `number` the name of a column
    that holds them as an integer, if there is one.
    Weights 10 to 1 on the ten digits: their sum must be a multiple of 11. As 10 is -1 modulo 11, that sum is
    the same, modulo 11, as the number + 3 times the number without its last digit + 5 times that without the
    last two, and so on to 19: no digit has to be cut out. Example: 9990000018 has 10*9 + 9*9 + 8*9 + 2*1 + 8 = 253,
    which is 23 * 11.
    """
    number = number or f"try_cast({digits} as bigint)"
    weighted = " + ".join(f"{2 * i + 1} * ({number} // {10**i})" for i in range(10))
    is_valid = f"{number} % 1111111111 <> 0 and ({weighted}) % 11 = 0"
    return (
        f"case when regexp_full_match({digits}, '[0-9]{{10}}') and {is_valid} then null "
        f"when coalesce({digits}, '') in ('', '&') or trim({written}) = '-' then 'missing_person' "
        f"when not regexp_full_match({digits}, '[0-9]+') then 'nhs_number_not_numeric' "
        f"when length({digits}) <> 10 then 'nhs_number_wrong_length' "
        f"when {number} % 1111111111 = 0 then 'nhs_number_equal_digits' else 'nhs_number_wrong_check_digit' end"
    )
