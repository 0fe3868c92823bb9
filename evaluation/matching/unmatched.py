"""Who the cases are that found no control: the people for whom a matched comparison says nothing."""

import polars as pl

from evaluation.matching.terms import Terms, covariate_columns

UNMATCHED_CASES = {
    "covariate": pl.String(),
    "matched_mean": pl.Float64(),
    "unmatched_mean": pl.Float64(),
    "standardised_mean_difference": pl.Float64(),
}


def unmatched_cases(cohort: pl.DataFrame, *, terms: Terms, pairs: pl.DataFrame) -> pl.DataFrame:
    """Means of every column of `terms` among matched and unmatched cases of `cohort`; one row per covariate.

    The difference is unmatched less matched, over the standard deviation of all cases; null where that is 0. A
    mean is null where there is nobody.

    By hand: matched cases 1 and 2, unmatched 6: means 1.5 and 6, standard deviation 7 ** 0.5, difference 1.70.
    """
    cases = cohort.filter("is_treated").sort("person_id")
    is_matched = cases["person_id"].is_in(pairs["case_id"].unique().implode()).to_numpy()
    rows = []
    for column in covariate_columns(cases, terms=terms):
        means = [
            float(part.mean()) if part.size else None
            for part in (column.values[is_matched], column.values[~is_matched])
        ]
        spread = float(column.values.std(ddof=1)) if cases.height > 1 else 0.0
        known = [mean for mean in means if mean is not None]
        difference = (known[1] - known[0]) / spread if len(known) == 2 and spread > 0 else None
        rows.append((column.name, means[0], means[1], difference))
    return pl.DataFrame(rows, schema=UNMATCHED_CASES, orient="row")
