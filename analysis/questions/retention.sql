-- title: Retention
-- about: How many users come back after a first event, by cohort and interval.
-- param: from date default "30d" "First day of the first event, included"
-- param: to date default "yesterday" "Last day of the first event, included"
-- param: born event required "First event"
-- param: return event "Event with which users come back; none: any event"
-- param: unit text default "week" choices "day|week|month" "Length of cohorts and intervals; rolling months have 30 days"
-- param: mode text default "rolling" choices "rolling|calendar" "Intervals since the user's first event, or calendar days, weeks and months"
-- param: intervals number default "8" "Number of intervals"
-- check: retention

SELECT cohort, users, interval_number, returned, percent, complete
FROM retention('events', $born,
    back := nullif($return, ''), unit := $unit, mode := $mode, intervals := $intervals, from_day := $from, to_day := $to)
ORDER BY cohort, interval_number
