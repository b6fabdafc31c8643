-- title: Active users
-- about: For each day, the users with an event on that day (DAU), and in the 7 and 30 days that end with it (WAU, MAU).
-- param: from date default "30d" "First day, included"
-- param: to date default "yesterday" "Last day, included"
-- param: events events "Events that make a user active; none: any event"

SELECT day, dau, wau, mau
FROM active_users('events',
    from_day := $from, to_day := $to,
    filter := json_array_length($events) = 0 OR list_contains(from_json($events, '["VARCHAR"]'), event_name))
ORDER BY day
