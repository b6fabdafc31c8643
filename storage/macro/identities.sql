-- Which user a device belongs to: the first one with an event that names both, or an event $identify.
identities(source) AS TABLE
WITH named AS (
    SELECT event_name, event_time,
        json_extract_string(properties, ['$."$device_id"', '$."$user_id"', '$."$anon_id"', '$."$identified_id"']) AS ids
    FROM query_table(source)
), links AS (
    SELECT event_time, ids[1] AS device_id, ids[2] AS user_id FROM named WHERE ids[1] <> '' AND ids[2] <> ''
    UNION ALL
    SELECT event_time, ids[3], ids[4] FROM named WHERE event_name = '$identify' AND ids[3] <> '' AND ids[4] <> ''
), firsts AS (
    SELECT regexp_replace(device_id, '^\$device:', '') AS device_id, min({'at': event_time, 'user_id': user_id}) AS f, count(DISTINCT user_id) AS users
    FROM links
    GROUP BY ALL
)
SELECT device_id, f.user_id AS user_id, f.at AS linked_at, users
FROM firsts
