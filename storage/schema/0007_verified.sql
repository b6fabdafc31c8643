-- Comparisons of tables of events with Mixpanel's counts that followed fetches.
CREATE TABLE mixduck.verified (
    table_name  VARCHAR NOT NULL,
    from_date   DATE,               -- of the days compared; NULL if none were
    to_date     DATE,
    events      BIGINT NOT NULL,    -- event names compared
    differences BIGINT NOT NULL,    -- events on a day that are counted differently
    repaired    BIGINT NOT NULL,    -- days that were fetched again
    requests    BIGINT NOT NULL,
    problem     VARCHAR NOT NULL,   -- why nothing was compared, or days were not fetched again; '' for none
    job_id      VARCHAR NOT NULL,
    verified_at TIMESTAMP NOT NULL
);
