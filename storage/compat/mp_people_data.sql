-- The columns of the table that Mixpanel's JSON pipelines write.
SELECT distinct_id, properties
FROM main.profiles
WHERE {current}
