-- What a response contained in addition to ordinary events.
ALTER TABLE mixduck.receipts ADD COLUMN joined BIGINT DEFAULT 0;      -- events split over several lines
ALTER TABLE mixduck.receipts ADD COLUMN extra BIGINT DEFAULT 0;       -- events with keys other than event and properties, which are not stored
ALTER TABLE mixduck.receipts ADD COLUMN extra_keys VARCHAR DEFAULT ''; -- some of these keys
