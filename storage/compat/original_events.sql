-- Events with their original names and IDs. Mixpanel stores events of very active IDs as $hotshard_events, and moves
-- events to another ID when IDs are merged.
SELECT
    CASE WHEN hot_shard THEN coalesce(properties->>'$.mp_original_event_name', event_name) ELSE event_name END AS event_name,
    event_time,
    CASE WHEN hot_shard THEN coalesce(properties->>'$.mp_original_distinct_id', distinct_id) ELSE distinct_id END AS distinct_id,
    properties->>'$."$distinct_id_before_identity"' AS distinct_id_before_identity,
    insert_id,
    properties,
    day,
    processed_at,
    hot_shard
FROM (SELECT *, event_name = '$hotshard_events' AS hot_shard FROM main.events)
