-- From version 1 of the tables to version 2.

create index tree_claim on aloma.tree (claim) where claim is not null;
update aloma.version set number = 2;
