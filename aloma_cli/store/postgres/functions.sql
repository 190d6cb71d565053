-- The functions of the store, by which everything is written. Each is one transaction, or a part of one: nothing of it
-- happens, or all of it.

create function aloma.queue(space int) returns text language sql immutable as $$ select 'aloma_' || space $$;

-- The number of a workspace; the first call makes it.
create function aloma.open(wanted text) returns int language plpgsql as $$
declare found_id int;
begin
    select id into found_id from aloma.workspace where name = wanted;
    if found_id is null then
        perform pg_advisory_xact_lock(hashtext('aloma'));
        insert into aloma.workspace (name) values (wanted) on conflict do nothing;
        select id into found_id from aloma.workspace where name = wanted;
        perform pgmq.create(aloma.queue(found_id));
    end if;
    return found_id;
end $$;

-- Put the message of a tree into the queue, visible from `wake` on.
create function aloma.send(t aloma.tree, wake timestamptz) returns bigint language sql as $$
    select pgmq.send(
        aloma.queue(t.space), jsonb_build_object('tree', t.id, 'release', t.release, 'tags', to_jsonb(t.tags)), wake)
$$;

create function aloma.lease_end(lease int) returns timestamptz language sql as $$
    select clock_timestamp() + make_interval(secs => lease)
$$;

-- When the message of a tree becomes visible; null: it has none.
create function aloma.visible_at(t aloma.tree) returns timestamptz language plpgsql as $$
declare at timestamptz;
begin
    execute format('select vt from pgmq.%I where msg_id = $1', 'q_' || aloma.queue(t.space)) into at using t.message;
    return at;
end $$;

-- Make a claimed tree. No row: there is one with this id.
create function aloma.make(
    in_space int, in_root text, in_release text, in_tags text[], in_claim bigint, in_owner text, lease int, lines bytea[]
) returns setof bigint language plpgsql as $$
declare t aloma.tree;
begin
    select * into t from aloma.tree where space = in_space and root = in_root;
    if found then
        if t.claim = in_claim then return next t.id; end if;
        return;
    end if;
    t.id := nextval('aloma.tree_id_seq');
    t.space := in_space; t.root := in_root; t.release := in_release; t.seq := cardinality(lines);
    select sum(octet_length(line)) into t.size from unnest(lines) line;
   
    t.claim := in_claim; t.owner := in_owner; t.tags := in_tags; t.changed := now();
    t.message := aloma.send(t, aloma.lease_end(lease));
    insert into aloma.tree select t.*;
    insert into aloma.batch select t.id, n - 1, line from unnest(lines) with ordinality x (line, n);
    return next t.id;
exception when unique_violation then return;
end $$;

-- Take a certain tree. `taken` false: `holder` has it until `until`. No row: there is no such tree.
create function aloma.take(
    in_space int, in_root text, in_release text, in_claim bigint, in_owner text, lease int,
    out id bigint, out seq int, out taken boolean, out holder text, out until timestamptz
) returns setof record language plpgsql as $$
declare t aloma.tree;
begin
    perform set_config('synchronous_commit', 'off', true);
    select * into t from aloma.tree where space = in_space and root = in_root for update;
    if not found then return; end if;
    id := t.id; seq := t.seq; holder := t.owner; until := aloma.visible_at(t);
    taken := t.claim is null or t.claim = in_claim or until is null or until <= clock_timestamp();
    if taken then
        if until is null then
            t.message := aloma.send(t, aloma.lease_end(lease));
        else
            perform pgmq.set_vt(aloma.queue(t.space), t.message, aloma.lease_end(lease));
        end if;
        update aloma.tree x
        set claim = in_claim, owner = in_owner, message = t.message, release = coalesce(in_release, x.release)
        where x.id = t.id;
    end if;
    return next;
end $$;

-- What who has claimed a tree needs first: its lines, unless they are many, and whether requests wait.
create function aloma.claimed(
    t aloma.tree, out id bigint, out root text, out seq int, out claim bigint, out lines bytea[], out asked boolean
) language sql as $$
    select t.id, t.root, t.seq, t.claim,
        case when t.seq <= 100 then (select array_agg(b.line order by b.seq) from aloma.batch b where b.tree = t.id) end,
        exists (select from aloma.request r where r.tree = t.id)
$$;

-- Take the next trees that are due, one for each of `in_claims`, of those of `in_release` and with `in_tag` (null: with
-- any). The lease of one that this process holds (`own_claims`) has ended unnoticed: looking has prolonged it.
-- Not durable: after a crash of the database a tree that was taken is due, and what its claim wrote is not there either.
create function aloma.next(
    in_space int, in_release text, any_release boolean, in_tag text, in_claims bigint[], in_owner text, lease int,
    own_claims bigint[], out id bigint, out root text, out seq int, out claim bigint, out lines bytea[], out asked boolean
) returns setof record language plpgsql as $$
declare
    t aloma.tree;
    queue text := aloma.queue(in_space);
    message_id bigint;
    tree_id bigint;
    given int := 0;
    seen int;
    wanted jsonb := '{}';
begin
    perform set_config('synchronous_commit', 'off', true);
    return query select y.* from aloma.tree x, aloma.claimed(x) y where x.claim = any (in_claims);
    if found then return; end if;
    if not any_release then wanted := wanted || jsonb_build_object('release', in_release); end if;
    if in_tag is not null then wanted := wanted || jsonb_build_object('tags', jsonb_build_array(in_tag)); end if;
    loop
        seen := 0;
        -- Not by pgmq.read, which looks at each message, also at those of timers that are far away.
        for message_id, tree_id in execute format(
            $q$select msg_id, (message ->> 'tree')::bigint from pgmq.%I where vt <= now() and message @> $1
               order by vt limit $2 for update skip locked$q$, 'q_' || queue)
            using wanted, cardinality(in_claims) - given
        loop
            seen := seen + 1;
            -- Whoever has the row now looks at the message next, so this call must not wait for the row.
            select * into t from aloma.tree x where x.id = tree_id and x.message = message_id for update skip locked;
            if found then
                perform pgmq.set_vt(queue, message_id, lease);
                continue when t.claim = any (own_claims);
                given := given + 1;
                t.claim := in_claims[given];
                update aloma.tree x set claim = t.claim, owner = in_owner,
                    release = case when x.release is null then null else in_release end
                where x.id = t.id;
                return query select y.* from aloma.claimed(t) y;
            elsif exists (select from aloma.tree x where x.id = tree_id and x.message = message_id) then
                perform pgmq.set_vt(queue, message_id, 1);
            else
                perform pgmq.delete(queue, message_id);
            end if;
        end loop;
        exit when seen = 0 or given = cardinality(in_claims);
    end loop;
end $$;

-- When the next of these trees will be due; null: none of them.
create function aloma.upcoming(in_space int, in_release text, any_release boolean, in_tag text)
returns timestamptz language plpgsql as $$
declare at timestamptz;
begin
    execute format(
        $q$select vt from pgmq.%I where ($1 or message ->> 'release' is not distinct from $2)
           and ($3 is null or message @> jsonb_build_object('tags', jsonb_build_array($3))) order by vt limit 1$q$,
        'q_' || aloma.queue(in_space)) into at using any_release, in_release, in_tag;
    return at;
end $$;

-- The trees that are due and that nobody has taken, or that one, by version of the code, the longest wait first.
create function aloma.waiting(in_space int, in_root text, out release text, out trees int, out since timestamptz)
returns setof record language plpgsql as $$
begin
    return query execute format(
        $q$select t.release, count(*)::int, min(q.vt) from pgmq.%I q join aloma.tree t on t.message = q.msg_id
           where t.space = $1 and q.vt <= clock_timestamp() and ($2 is null or t.root = $2)
           group by t.release order by min(q.vt)$q$, 'q_' || aloma.queue(in_space)) using in_space, in_root;
end $$;

-- Append a line as batch `at`. False: the claim is lost.
create function aloma.commit(tree_id bigint, in_claim bigint, at int, new_line bytea, durable boolean)
returns boolean language plpgsql as $$
begin
    if not durable then perform set_config('synchronous_commit', 'off', true); end if;
    update aloma.tree set seq = seq + 1, size = size + octet_length(new_line), changed = now()
    where id = tree_id and claim = in_claim and seq = at;
    if found then
        insert into aloma.batch values (tree_id, at, new_line);
        return true;
    end if;
    perform from aloma.tree t join aloma.batch b on b.tree = t.id
    where t.id = tree_id and t.claim = in_claim and t.seq > at and b.seq = at and b.line = new_line;
    return found;
end $$;

create function aloma.publish(
    tree_id bigint, in_claim bigint, at int, in_record bytea, in_data bytea, in_due timestamptz, in_tags text[]
) returns boolean language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    update aloma.tree set published = at, due = in_due, tags = in_tags
    where id = tree_id and claim = in_claim and seq = at;
    if not found then return false; end if;
    insert into aloma.published values (tree_id, in_record, in_data)
    on conflict (tree) do update set record = in_record, data = in_data;
    return true;
end $$;

create function aloma.keep(tree_id bigint, in_claim bigint, at int, in_state bytea)
returns boolean language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    perform from aloma.tree where id = tree_id and claim = in_claim and seq = at for update;
    if not found then return false; end if;
    insert into aloma.kept values (tree_id, at, in_state) on conflict (tree) do update set seq = at, state = in_state;
    return true;
end $$;

-- Prolong the leases of the claims; gives the trees that are still held.
create function aloma.beat(in_space int, trees bigint[], claims bigint[], lease int)
returns setof bigint language plpgsql as $$
declare
    messages bigint[];
    held bigint[];
begin
    perform set_config('synchronous_commit', 'off', true);
    -- The rows are locked: a claim that is given up meanwhile must not be prolonged afterwards.
    select array_agg(x.message), array_agg(x.id) into messages, held
    from (select t.message, t.id from unnest(trees, claims) as wanted (id, claim) join aloma.tree t using (id, claim)
          order by t.id for no key update of t) x;
    perform pgmq.set_vt(aloma.queue(in_space), messages, lease);
    return query select unnest(held);
end $$;

-- Give a claim up. The tree is due by what was published, if that is the newest and no request waits, else now. A claim
-- that has written nothing since batch `began` leaves it alone for a second, so that it is not taken again and again.
create function aloma.close(tree_id bigint, in_claim bigint, began int) returns void language plpgsql as $$
declare
    t aloma.tree;
    wake timestamptz := clock_timestamp();
begin
    perform set_config('synchronous_commit', 'off', true);
    select * into t from aloma.tree where id = tree_id and claim = in_claim for update;
    if not found then return; end if;
    if not exists (select from aloma.request where tree = tree_id) then
        if t.published = t.seq then wake := t.due; end if;
        if t.seq = began then wake := greatest(wake, clock_timestamp() + interval '1 s'); end if;
        if t.published = t.seq and t.due is null then wake := null; end if;
    end if;
    perform pgmq.delete(aloma.queue(t.space), t.message);
    t.message := null;
    if wake is not null then t.message := aloma.send(t, wake); end if;
    update aloma.tree set claim = null, owner = null, message = t.message where id = tree_id;
    if wake <= clock_timestamp() then perform pg_notify(aloma.queue(t.space), ''); end if;
end $$;

-- Leave a request. A tree that nobody runs is due at once. False: there is no such tree.
create function aloma.post(in_space int, in_root text, in_name text, in_body bytea)
returns boolean language plpgsql as $$
declare t aloma.tree;
begin
    select * into t from aloma.tree where space = in_space and root = in_root for update;
    if not found then return false; end if;
    insert into aloma.request (tree, name, body) values (t.id, in_name, in_body) on conflict do nothing;
    if t.claim is null then
        perform aloma.wake(t, clock_timestamp());
    end if;
    perform pg_notify(aloma.queue(in_space), t.id::text);
    return true;
end $$;

-- Drop a request that was carried out.
create function aloma.drop(tree_id bigint, in_claim bigint, in_name text) returns boolean language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    delete from aloma.request where tree = tree_id and name = in_name;
    return true;
end $$;

-- Let a tree that nobody runs be due at `at`. The caller holds the lock on its row.
create function aloma.wake(t aloma.tree, at timestamptz) returns void language plpgsql as $$
begin
    if t.message is null then
        update aloma.tree set message = aloma.send(t, at) where id = t.id;
    else
        perform pgmq.set_vt(aloma.queue(t.space), t.message, at);
    end if;
end $$;

-- Leave a tree that could not be run alone for some seconds.
create function aloma.postpone(in_space int, in_root text, seconds int) returns void language plpgsql as $$
declare t aloma.tree;
begin
    select * into t from aloma.tree where space = in_space and root = in_root for update;
    if found and t.claim is null and t.message is not null then
        perform pgmq.set_vt(aloma.queue(in_space), t.message, aloma.lease_end(seconds));
    end if;
end $$;

-- Delete a claimed tree. False: the claim is lost.
create function aloma.remove(tree_id bigint, in_claim bigint) returns boolean language plpgsql as $$
declare t aloma.tree;
begin
    select * into t from aloma.tree where id = tree_id for update;
    if not found then return true; end if;
    if t.claim is distinct from in_claim then return false; end if;
    perform pgmq.delete(aloma.queue(t.space), t.message);
    delete from aloma.tree where id = tree_id;
    return true;
end $$;

create function aloma.reserve(in_space int, in_key text, in_root text) returns text language plpgsql as $$
declare reserved text;
begin
    insert into aloma.key values (in_space, in_key, in_root) on conflict do nothing;
    select root into reserved from aloma.key where space = in_space and key = in_key;
    return reserved;
end $$;

-- Cut a claimed tree off before batch `at`; what is cut off is kept in aloma.damaged.
create function aloma.cut(tree_id bigint, in_claim bigint, at int) returns boolean language plpgsql as $$
declare t aloma.tree;
begin
    select * into t from aloma.tree where id = tree_id and claim = in_claim for update;
    if not found then return false; end if;
    insert into aloma.damaged (space, root, seq, line)
    select t.space, t.root, b.seq, b.line from aloma.batch b where b.tree = tree_id and b.seq >= at;
    delete from aloma.batch where tree = tree_id and seq >= at;
    delete from aloma.kept where tree = tree_id and seq > at;
    update aloma.tree set seq = at, published = null, due = null,
        size = (select coalesce(sum(octet_length(line)), 0) from aloma.batch where tree = tree_id) where id = tree_id;
    return true;
end $$;
