-- Columns of properties that are not filled yet in older rows. They are called properties.plan.
CREATE TABLE mixduck.filling (
    table_name VARCHAR NOT NULL,
    property   VARCHAR NOT NULL,
    type       VARCHAR NOT NULL,
    auto       BOOLEAN NOT NULL    -- chosen by Mixduck
);

-- The rows in which they are not filled, in pieces: days, one of several parts of a day, or of a keyed table.
CREATE TABLE mixduck.unfilled (
    table_name VARCHAR NOT NULL,
    from_day   DATE,               -- NULL in keyed tables
    to_day     DATE,
    part       BIGINT NOT NULL,
    parts      BIGINT NOT NULL
);

-- Columns that Mixduck has chosen keep the name properties.plan.
ALTER TABLE mixduck.promoted ADD COLUMN auto BOOLEAN;        -- NULL is false
ALTER TABLE mixduck.promoted ADD COLUMN since DATE;        -- first day of the column
ALTER TABLE mixduck.promoted ADD COLUMN last_read DATE;    -- last known day with a query that read it
