-- How loads have changed days that were stored before. One row per load and changed day.
CREATE TABLE mixduck.changes (
    table_name VARCHAR NOT NULL,
    day        DATE NOT NULL,
    job_id     VARCHAR NOT NULL,
    added      BIGINT NOT NULL,    -- new rows
    removed    BIGINT NOT NULL,    -- rows that Mixpanel no longer sends
    updated    BIGINT NOT NULL,    -- rows that were processed again
    loaded_at  TIMESTAMP NOT NULL
);
