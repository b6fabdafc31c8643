-- KEYS: the record. ARGV: the arguments of create.
return create(KEYS[1], ARGV)
