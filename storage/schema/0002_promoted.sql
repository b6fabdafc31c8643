-- The promoted properties of tables.
CREATE TABLE mixduck.promoted (
    table_name VARCHAR NOT NULL,
    property   VARCHAR NOT NULL,   -- also the name of the column
    type       VARCHAR NOT NULL    -- VARCHAR, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP, DATE
);
