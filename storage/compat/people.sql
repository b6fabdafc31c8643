-- The columns of Fivetran's table people. All other properties are in properties.
SELECT
    distinct_id,
    v[1]       AS "name",
    v[2]       AS first_name,
    v[3]       AS last_name,
    v[4]       AS email,
    v[5]       AS phone,
    v[6]       AS city,
    v[7]       AS region,
    coalesce(v[8], v[11]) AS country_code,
    v[9]       AS timezone,
    TRY_CAST(v[10] AS TIMESTAMP) AS created,
    last_seen,
    properties,
    (SELECT max(fetched_at) FROM mixduck.keyed WHERE table_name = 'profiles') AS _fivetran_synced
FROM (
    SELECT *, json_extract_string(properties, ['$."$name"', '$."$first_name"', '$."$last_name"', '$."$email"', '$."$phone"',
        '$."$city"', '$."$region"', '$."$country_code"', '$."$timezone"', '$."$created"',
        '$.mp_country_code']) AS v
    FROM main.profiles
    WHERE {current}
)
