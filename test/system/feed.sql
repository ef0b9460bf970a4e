-- Writers and a reader of the event feed, for feed_test.py: procedures, so that each has its own transactions.
CREATE SCHEMA feed_test;

CREATE TABLE feed_test.seen (
  place bigserial PRIMARY KEY, reader text NOT NULL, seq bigint NOT NULL, event text NOT NULL, page int NOT NULL);

-- One transaction after another, until so many events were written: of one to six events, for this tenant and sometimes for the
-- other first, some in savepoints, of which a third is rolled back, with pauses while numbers are held, and a fifth is rolled back as
-- a whole. `mood` seeds the dice.
CREATE PROCEDURE feed_test.write(tenant uuid, other uuid, events int, mood float8)
LANGUAGE plpgsql AS $$
DECLARE
  written int := 0;
  size    int;
BEGIN
  PERFORM setseed(mood);
  WHILE written < events LOOP
    size := 1 + floor(random() * 6);
    IF random() < 0.2 THEN
      PERFORM switchboard._add_event(other, 'other', NULL, '{}');
    END IF;
    FOR n IN 1 .. size LOOP
      IF random() < 0.3 THEN
        BEGIN
          PERFORM switchboard._add_event(tenant, 'saved', NULL, jsonb_build_object('n', n));
          IF random() < 0.33 THEN
            RAISE EXCEPTION USING ERRCODE = 'SB999';
          END IF;
        EXCEPTION WHEN SQLSTATE 'SB999' THEN
          NULL;
        END;
      ELSE
        INSERT INTO switchboard.events (tenant_id, event) VALUES (tenant, 'plain');
      END IF;
      IF random() < 0.05 THEN
        PERFORM pg_sleep(random() * 0.02);
      END IF;
    END LOOP;
    written := written + size;
    IF random() < 0.2 THEN
      ROLLBACK;
    ELSE
      COMMIT;
    END IF;
  END LOOP;
END
$$;

-- Follows the feed of a tenant from `reached`, page by page, until there is nothing new and an event "done" says that nothing more will
-- come. The naive reader goes by numbers alone.
CREATE PROCEDURE feed_test.follow(tenant uuid, reader text, reached bigint)
LANGUAGE plpgsql AS $$
DECLARE
  pages   int := 0;
  rows    int;
  over    boolean;
BEGIN
  LOOP
    over := EXISTS (SELECT FROM switchboard.events e WHERE e.event = 'done');
    pages := pages + 1;
    INSERT INTO feed_test.seen (reader, seq, event, page)
    SELECT follow.reader, p.seq, p.event, pages
    FROM switchboard._feed_page(tenant, reached, 100, CASE reader WHEN 'naive' THEN 9000000000 END) p;
    GET DIAGNOSTICS rows = ROW_COUNT;
    COMMIT;
    reached := greatest(reached, (SELECT max(s.seq) FROM feed_test.seen s WHERE s.reader = follow.reader));
    EXIT WHEN rows = 0 AND over;
    IF rows = 0 THEN
      PERFORM pg_sleep(0.001);
      COMMIT;
    END IF;
  END LOOP;
END
$$;
