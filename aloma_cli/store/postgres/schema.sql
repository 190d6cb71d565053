-- The tables of the store; `functions.sql` has what reads and writes them.
--
-- `claim` is the fence: a number that a process chose at random when it took the tree. Whatever writes names it, and
-- writes nothing where another process has taken the tree since. The same call made again, because its answer was lost
-- with the connection, finds what it has done.
--
-- A tree that is due, will be due, or is being run has one message in the queue `aloma_SPACE` of pgmq. The moment from
-- which the message is visible is the timer of a tree that waits, and the lease of one that runs.

create schema if not exists aloma;

create table aloma.version (number int not null);
insert into aloma.version values (2);

create table aloma.workspace (
    id int generated always as identity primary key,
    name text not null unique
);

create table aloma.tree (
    id bigserial primary key,
    space int not null references aloma.workspace,
    root text collate "C" not null,
    release text,                                  -- the code that is to run it; null: any
    seq int not null,                              -- how many batches it has
    size bigint not null,                          -- the bytes of their lines
    claim bigint,
    owner text,                                    -- who has the claim, in words
    message bigint,                                -- in the queue
    tags text[] not null,
    changed timestamptz not null default now(),
    published int,                                 -- `seq` when it was published
    due timestamptz,                               -- when it is next due, by what was published
    unique (space, root)
) with (fillfactor = 70);
create index tree_claim on aloma.tree (claim) where claim is not null;

create table aloma.batch (
    tree bigint not null references aloma.tree on delete cascade,
    seq int not null,
    line bytea not null,                           -- a line of the journal, as in docs/format.md
    primary key (tree, seq)
);

create table aloma.published (
    tree bigint primary key references aloma.tree on delete cascade,
    record bytea not null,
    data bytea not null
);

create table aloma.kept (
    tree bigint primary key references aloma.tree on delete cascade,
    seq int not null,
    state bytea not null
);

create table aloma.request (
    id bigserial primary key,
    tree bigint not null references aloma.tree on delete cascade,
    name text not null unique,
    body bytea not null
);
create index on aloma.request (tree);

create table aloma.key (
    space int not null references aloma.workspace,
    key text not null,
    root text not null,
    primary key (space, key)
);

create table aloma.note (
    space int not null references aloma.workspace,
    name text not null,
    body bytea not null,
    primary key (space, name)
);

-- The lines that were cut off a damaged tree.
create table aloma.damaged (
    at timestamptz not null default now(),
    space int not null,
    root text not null,
    seq int not null,
    line bytea not null
);
