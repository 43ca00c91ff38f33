-- Why no server may work with these tasks, where that is so: they are on their way to another store, or from
-- one.
ALTER TABLE tintype.identity ADD COLUMN moving text;
