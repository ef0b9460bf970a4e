-- What the order of calling needs to know of contacts, kept on the lists they are on: campaign_contacts.lead_score and
-- best_hours. So an index of the list has the order, and a run reads only those whom it picks.
--
-- Derived from contacts, by statement: at an insert into a list, when a row of a list gets another contact, and when contacts
-- change. A score that changes while somebody puts the person on a list in another transaction may be seen at its next change
-- only: locking every contact against that is not worth it for an order.

CREATE OR REPLACE FUNCTION switchboard._preferred_hours(opens time, closes time, timezone text, phone text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT h.opens || '-' || h.closes || ' ' ||
         coalesce(timezone, (SELECT z.zones[1] FROM switchboard.phone_timezones(phone) AS z (zones) WHERE cardinality(z.zones) = 1), '')
  FROM (SELECT CASE WHEN opens = '24:00' THEN '00:00' ELSE to_char(opens, 'HH24:MI') END AS opens,
               CASE WHEN closes = '24:00' THEN '24:00' ELSE to_char(closes, 'HH24:MI') END AS closes) h
  WHERE h.opens <> h.closes
$$;
COMMENT ON FUNCTION switchboard._preferred_hours(time, time, text, text) IS
  'When somebody likes to be called, as text that is equal for equal hours: "09:00-11:30 Europe/Berlin". The zone is the contact''s,
else the number''s if there is only one, else empty. NULL when the hours are not known, or equal.';
REVOKE ALL ON FUNCTION switchboard._preferred_hours(time, time, text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._are_best_hours(best_hours text, fallback_zone text, at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT switchboard.next_call_time(at, coalesce(nullif(substr(best_hours, 13), ''), fallback_zone),
           jsonb_build_object('start', substr(best_hours, 1, 5), 'end', substr(best_hours, 7, 5))) = at
$$;
COMMENT ON FUNCTION switchboard._are_best_hours(text, text, timestamptz) IS 'Whether hours as _preferred_hours() writes them are now.';
REVOKE ALL ON FUNCTION switchboard._are_best_hours(text, text, timestamptz) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._take_calling_order()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: what is written follows from the contacts, whoever puts them on a list. The foreign key has seen to it that
-- they are of the same tenant.
BEGIN
  IF TG_OP = 'UPDATE' THEN
    SELECT k.lead_score, switchboard._preferred_hours(k.best_call_start, k.best_call_end, k.timezone, new.phone_number)
    INTO new.lead_score, new.best_hours
    FROM switchboard.contacts k WHERE k.tenant_id = new.tenant_id AND k.id = new.contact_id;
    new.lead_score := coalesce(new.lead_score, 0);
    RETURN new;
  END IF;
  UPDATE switchboard.campaign_contacts l
  SET lead_score = o.lead_score, best_hours = o.best_hours
  FROM (SELECT n.id, n.lead_score AS score_given, n.best_hours AS hours_given, k.lead_score,
               switchboard._preferred_hours(k.best_call_start, k.best_call_end, k.timezone, n.phone_number) AS best_hours
        FROM new_rows n
        JOIN switchboard.contacts k ON k.tenant_id = n.tenant_id AND k.id = n.contact_id
        WHERE n.contact_id IS NOT NULL) o
  WHERE l.id = o.id AND (o.lead_score, o.best_hours) IS DISTINCT FROM (o.score_given, o.hours_given);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._take_calling_order() IS
  'Trigger on campaign_contacts: takes lead_score and best_hours from the contact, after an insert (once per statement) and before
an update of contact_id.';
REVOKE ALL ON FUNCTION switchboard._take_calling_order() FROM PUBLIC;

CREATE OR REPLACE TRIGGER campaign_contacts_order_insert AFTER INSERT ON switchboard.campaign_contacts
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION switchboard._take_calling_order();
COMMENT ON TRIGGER campaign_contacts_order_insert ON switchboard.campaign_contacts IS 'Takes the order of calling from the contacts.';
CREATE OR REPLACE TRIGGER campaign_contacts_order_update BEFORE UPDATE OF contact_id ON switchboard.campaign_contacts
  FOR EACH ROW WHEN (new.contact_id IS DISTINCT FROM old.contact_id) EXECUTE FUNCTION switchboard._take_calling_order();
COMMENT ON TRIGGER campaign_contacts_order_update ON switchboard.campaign_contacts IS 'Takes the order of calling from another contact.';

CREATE OR REPLACE FUNCTION switchboard._pass_calling_order()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
-- SECURITY DEFINER: a contact may be on lists that the caller does not see. Cost: one comparison of the rows of the statement; an
-- index probe and an update per list row of those whose order changes. List rows are locked in order, in a statement of its own.
DECLARE
  changed uuid[] := ARRAY(
    SELECT n.id FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE (n.lead_score, n.best_call_start, n.best_call_end, n.timezone)
          IS DISTINCT FROM (o.lead_score, o.best_call_start, o.best_call_end, o.timezone));
BEGIN
  IF cardinality(changed) = 0 THEN
    RETURN NULL;
  END IF;
  PERFORM FROM switchboard.campaign_contacts l
  JOIN switchboard.contacts k ON k.tenant_id = l.tenant_id AND k.id = l.contact_id
  WHERE k.id = ANY (changed) ORDER BY l.id FOR NO KEY UPDATE OF l;
  UPDATE switchboard.campaign_contacts l
  SET lead_score = o.lead_score, best_hours = o.best_hours
  FROM (SELECT l.id, k.lead_score, switchboard._preferred_hours(k.best_call_start, k.best_call_end, k.timezone, l.phone_number) AS best_hours
        FROM switchboard.contacts k
        JOIN switchboard.campaign_contacts l ON l.tenant_id = k.tenant_id AND l.contact_id = k.id
        WHERE k.id = ANY (changed)) o
  WHERE l.id = o.id AND (l.lead_score, l.best_hours) IS DISTINCT FROM (o.lead_score, o.best_hours);
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION switchboard._pass_calling_order() IS
  'Trigger on contacts, once per statement: passes changes of lead_score, best hours and zone on to the lists that the contacts are on.';
REVOKE ALL ON FUNCTION switchboard._pass_calling_order() FROM PUBLIC;

CREATE OR REPLACE TRIGGER contacts_calling_order AFTER UPDATE ON switchboard.contacts
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION switchboard._pass_calling_order();
COMMENT ON TRIGGER contacts_calling_order ON switchboard.contacts IS 'Passes the order of calling on to the lists.';
