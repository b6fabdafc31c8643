-- Whether the times of events were read in the right zone. One row a table.
CREATE TABLE mixduck.time_evidence (
    table_name VARCHAR NOT NULL,
    evidence   VARCHAR NOT NULL,  -- JSON: counts of events by the delay until they were processed
    warning    VARCHAR NOT NULL,  -- what is wrong; '' if nothing is known to be
    checked_at TIMESTAMP NOT NULL
);
