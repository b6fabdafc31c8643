select
    distinct_id,
    "name",
    first_name,
    last_name,
    email,
    phone,
    city,
    region,
    country_code,
    timezone,
    created,
    last_seen,
    cast(properties as varchar) as properties,
    _fivetran_synced
from {{ source('mixduck_compat', 'people') }}
