-- Whether the times of events were read in the right zone. One row per table.
CREATE TABLE mixduck.time_evidence (
    table_name VARCHAR NOT NULL,
    evidence   VARCHAR NOT NULL,  -- JSON: counts of events by processing delay
    warning    VARCHAR NOT NULL,  -- what is wrong; '' if nothing is known
    checked_at TIMESTAMP NOT NULL
);
