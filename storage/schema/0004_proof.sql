-- What an answer held beside plain events.
ALTER TABLE mixduck.receipts ADD COLUMN joined BIGINT DEFAULT 0;      -- events that came in pieces, on several lines
ALTER TABLE mixduck.receipts ADD COLUMN extra BIGINT DEFAULT 0;       -- events with keys beside event and properties, which are not stored
ALTER TABLE mixduck.receipts ADD COLUMN extra_keys VARCHAR DEFAULT ''; -- some of these keys
