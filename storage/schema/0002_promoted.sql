-- Which properties of a table have columns of their own.
CREATE TABLE mixduck.promoted (
    table_name VARCHAR NOT NULL,
    property   VARCHAR NOT NULL,   -- and name of the column
    type       VARCHAR NOT NULL    -- VARCHAR, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP, DATE
);
