-- KEYS: the record. ARGV: what create takes.
return create(KEYS[1], ARGV)
