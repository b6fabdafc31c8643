-- The columns of Fivetran's table event, as read by the package dbt_mixpanel. A value that does not fit its column is
-- NULL; it is still in properties.
SELECT
    id AS _fivetran_id,
    id AS event_id,
    event_name AS "name",
    event_time AS "time",
    distinct_id,
    distinct_id_before_identity,
    insert_id,
    properties,
    synced AS _fivetran_synced,
    v[1] AS initial_referring_domain,
    v[2] AS initial_referrer,
    v[3] AS referrer,
    v[4] AS referring_domain,
    v[5] AS current_url,
    v[6] AS browser,
    v[7] AS search_engine,
    v[8] AS device,
    v[9] AS app_build_number,
    v[10] AS os,
    v[11] AS os_version,
    v[12] AS lib_version,
    v[13] AS manufacturer,
    v[14] AS carrier,
    v[15] AS model,
    v[16] AS app_version_string,
    v[17] AS ae_session_length,
    v[18] AS radio,
    v[19] AS bluetooth_version,
    v[20] AS brand,
    v[21] AS google_play_services,
    v[22] AS city,
    v[23] AS region,
    v[24] AS device_id,
    v[25] AS mp_country_code,
    v[26] AS mp_keyword,
    v[27] AS mp_lib,
    TRY_CAST(v[28] AS BIGINT) AS mp_processing_time_ms,
    TRY_CAST(v[29] AS BIGINT) AS browser_version,
    TRY_CAST(v[30] AS BIGINT) AS screen_width,
    TRY_CAST(v[31] AS BIGINT) AS screen_height,
    TRY_CAST(v[32] AS BIGINT) AS screen_dpi,
    TRY_CAST(v[33] AS BOOLEAN) AS wifi,
    TRY_CAST(v[34] AS BOOLEAN) AS bluetooth_enabled,
    TRY_CAST(v[35] AS BOOLEAN) AS has_nfc,
    TRY_CAST(v[36] AS BOOLEAN) AS has_telephone
FROM (
    SELECT e.*, c.fetched_at AS synced,
        md5(CAST(to_json([event_name, CAST(event_time AS VARCHAR), distinct_id, coalesce(nullif(insert_id, ''), CAST(properties AS VARCHAR))]) AS VARCHAR)) AS id,
        json_extract_string(properties, [
        '$."$initial_referring_domain"', '$."$initial_referrer"', '$."$referrer"',
        '$."$referring_domain"', '$."$current_url"', '$."$browser"', '$."$search_engine"', '$."$device"',
        '$."$app_build_number"', '$."$os"', '$."$os_version"', '$."$lib_version"', '$."$manufacturer"',
        '$."$carrier"', '$."$model"', '$."$app_version_string"', '$."$ae_session_length"', '$."$radio"',
        '$."$bluetooth_version"', '$."$brand"', '$."$google_play_services"', '$."$city"', '$."$region"',
        '$."$device_id"', '$.mp_country_code', '$.mp_keyword', '$.mp_lib', '$.mp_processing_time_ms',
        '$."$browser_version"', '$."$screen_width"', '$."$screen_height"', '$."$screen_dpi"', '$."$wifi"',
        '$."$bluetooth_enabled"', '$."$has_nfc"', '$."$has_telephone"'
        ]) AS v
    FROM ({original_events}) AS e
    LEFT JOIN (
        SELECT day, max(fetched_at) AS fetched_at FROM mixduck.coverage WHERE table_name = 'events' GROUP BY day
    ) AS c USING (day)
)
