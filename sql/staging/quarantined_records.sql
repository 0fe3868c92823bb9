-- Records of the deliveries that count that cannot be placed, with what could still be read of them.
-- grain: one row per delivery_id, record
-- contract: none
select
    lake_quarantine.delivery_id,
    lake_quarantine.extract,
    lake_quarantine.record,
    lake_quarantine.rule_id,
    lake_quarantine.person_id,
    lake_quarantine.provider_code,
    lake_quarantine.activity_date
from lake_quarantine
inner join delivery_order
    on
        lake_quarantine.delivery_id = delivery_order.delivery_id
        and lake_quarantine.extract = delivery_order.extract
