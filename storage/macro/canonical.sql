-- The events with the user that each belongs to as distinct_id; original_distinct_id is that of the table.
--
-- The user is $user_id, or the user of the device according to identities. Otherwise it remains the same.
canonical(source) AS TABLE
WITH named AS (
    SELECT *, json_extract_string(properties, ['$."$user_id"', '$."$device_id"']) AS ids FROM query_table(source)
), users AS (
    SELECT device_id, user_id FROM (
{identities}
    )
)
SELECT n.* EXCLUDE (ids) REPLACE (coalesce(nullif(n.ids[1], ''), d.user_id, u.user_id, n.distinct_id) AS distinct_id), n.distinct_id AS original_distinct_id
FROM named AS n
LEFT JOIN users AS d ON d.device_id = n.ids[2]
LEFT JOIN users AS u ON u.device_id = regexp_replace(n.distinct_id, '^\$device:', '')
