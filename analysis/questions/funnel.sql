-- title: Funnel
-- about: How many users did several events in order, within a time after the first one.
-- param: from date default "30d" "First day of the first step, included"
-- param: to date default "yesterday" "Last day of the first step, included"
-- param: steps events required "Events of the steps, in order"
-- param: window interval default "7 days" "Time for all steps, from the first one"
-- param: order text default "specific" choices "specific|any" "Whether steps count in their order only"
-- param: property property "Property of the first event to count by; none: all users together"

SELECT value, step, event, users, percent_of_first, percent_of_previous, seconds_from_first
FROM funnel('events', from_json($steps, '["VARCHAR"]'),
    from_day := $from, to_day := $to, within := $window, ordering := $order,
    group_by := if($property = '', NULL, properties->>('/' || replace(replace($property, '~', '~0'), '/', '~1'))))
ORDER BY value, step
