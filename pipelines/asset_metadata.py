"""What Dagster shows of every asset beside its own words: owner, columns, version of the code, how old it may be."""

from datetime import timedelta

import dagster as dg

from assets import ALL_ASSETS
from pipelines.code_versions import version_of
from pipelines.study import Study
from pipelines.table_metadata import COLUMN_SCHEMA, DELIVERED, promised_schema

OWNERS = ("team:evaluation",)
PUBLISHED = "published"
MODULES = {
    key: asset.op.compute_fn.decorated_fn.__module__
    for asset in ALL_ASSETS
    if isinstance(asset, dg.AssetsDefinition)
    for key in asset.keys
}


def described(spec: dg.AssetSpec, study: Study) -> dg.AssetSpec:
    """The asset with owner, column schema where a contract promises one, and a version of the code that makes it.

    Columns of other tables are told by the run that makes them. Extracts and what is published grow stale after the
    protocol's `alerts.late_after_days`, unless the study is made up.
    """
    promised = promised_schema("/".join(spec.key.path))
    is_delivered = spec.group_name == DELIVERED
    found = spec.merge_attributes(owners=OWNERS, metadata={COLUMN_SCHEMA: promised} if promised else {})
    if not is_delivered and spec.code_version is None:
        found = found.replace_attributes(code_version=version_of(MODULES[spec.key]))
    if study.protocol.synthetic or not (is_delivered or spec.key == dg.AssetKey(PUBLISHED)):
        return found
    window = timedelta(days=study.protocol.alerts.late_after_days)
    return found.replace_attributes(freshness_policy=dg.FreshnessPolicy.time_window(fail_window=window))
