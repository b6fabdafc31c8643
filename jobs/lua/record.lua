-- What the scripts of records start with. Jobs that only read have indexes of their own: there may be many, and who lists
-- jobs seldom means them.
local function indexes(prefix, kind)
  return kind == 'query' and prefix .. 'read:' or prefix
end

