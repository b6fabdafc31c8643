-- The columns of the table that Mixpanel's JSON pipelines write.
SELECT
    properties->>'$."$device_id"' AS device_id,
    distinct_id,
    event_name,
    insert_id,
    properties,
    event_time                    AS "time",
    properties->>'$."$user_id"'   AS user_id
FROM ({original_events})
