-- The queue as a column of the tree's row: what `several.py --due` compares with pgmq. `message` is not used.
alter table aloma.tree add wake timestamptz;
create index on aloma.tree (space, wake) where wake is not null;

create or replace function aloma.send(t aloma.tree, wake timestamptz) returns bigint language sql as $$ select 0::bigint $$;

create or replace function aloma.visible_at(t aloma.tree) returns timestamptz language sql as $$
    select wake from aloma.tree where id = t.id
$$;

create or replace function aloma.make(
    in_space int, in_root text, in_release text, in_tags text[], in_claim bigint, in_owner text, lease int, lines bytea[]
) returns setof bigint language plpgsql as $$
declare made bigint;
begin
    insert into aloma.tree (space, root, release, seq, size, claim, owner, tags, wake)
    select in_space, in_root, in_release, cardinality(lines), sum(octet_length(line)), in_claim, in_owner, in_tags,
        aloma.lease_end(lease) from unnest(lines) line returning id into made;
    insert into aloma.batch select made, n - 1, line from unnest(lines) with ordinality x (line, n);
    return next made;
exception when unique_violation then return;
end $$;

create or replace function aloma.next(
    in_space int, in_release text, any_release boolean, in_tag text, in_claims bigint[], in_owner text, lease int,
    own_claims bigint[], out id bigint, out root text, out seq int, out claim bigint, out lines bytea[], out asked boolean
) returns setof record language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    return query with taken as (
        update aloma.tree x set claim = due.claim, owner = in_owner, wake = aloma.lease_end(lease)
        from (
            select y.id, in_claims[row_number() over ()] as claim from (
                select z.id from aloma.tree z
                where z.space = in_space and z.wake <= now() and (any_release or z.release = in_release)
                    and (in_tag is null or in_tag = any (z.tags))
                order by z.wake limit cardinality(in_claims) for update skip locked) y) due
        where x.id = due.id returning x.*)
    select y.* from taken t, aloma.claimed(t::aloma.tree) y;
end $$;

create or replace function aloma.upcoming(in_space int, in_release text, any_release boolean, in_tag text)
returns timestamptz language sql as $$
    select min(wake) from aloma.tree where space = in_space and (any_release or release = in_release)
$$;

create or replace function aloma.beat(in_space int, trees bigint[], claims bigint[], lease int)
returns setof bigint language sql as $$
    update aloma.tree t set wake = aloma.lease_end(lease)
    from unnest(trees, claims) as wanted (id, claim) where t.id = wanted.id and t.claim = wanted.claim returning t.id
$$;

create or replace function aloma.close(tree_id bigint, in_claim bigint, began int) returns void language plpgsql as $$
declare
    t aloma.tree;
    at timestamptz := clock_timestamp();
begin
    perform set_config('synchronous_commit', 'off', true);
    select * into t from aloma.tree where id = tree_id and claim = in_claim for update;
    if not found then return; end if;
    if not exists (select from aloma.request where tree = tree_id) and t.published = t.seq then at := t.due; end if;
    update aloma.tree set claim = null, owner = null, wake = at where id = tree_id;
    if at <= clock_timestamp() then perform pg_notify(aloma.queue(t.space), ''); end if;
end $$;

create or replace function aloma.wake(t aloma.tree, at timestamptz) returns void language sql as $$
    update aloma.tree set wake = at where id = t.id
$$;
