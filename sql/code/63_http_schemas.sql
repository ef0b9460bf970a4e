-- The schemas of all routes; each group has its own beside its functions.

CREATE OR REPLACE FUNCTION switchboard._http_service_schemas()
RETURNS TABLE (schema text, field text, type text, needed boolean, about text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('Health', 'status', 'ok|degraded|failing', true, 'degraded: something wants attention; failing: work is not done'),
    ('Campaign', 'stats', 'CampaignStats', true, 'People on the list by status'),
    ('CampaignStats', 'total', 'integer', true, 'All'),
    ('CampaignStats', 'pending', 'integer', true, 'To be called'),
    ('CampaignStats', 'calling', 'integer', true, 'Being called'),
    ('CampaignStats', 'completed', 'integer', true, 'Done'),
    ('CampaignStats', 'failed', 'integer', true, 'Not reached'),
    ('CampaignStats', 'callback', 'integer', true, 'To be called back'),
    ('CampaignStats', 'do_not_call', 'integer', true, 'Not to be called'),
    ('CampaignStats', 'exhausted', 'integer', true, 'Of those not reached, given up'),
    ('Problem', 'type', 'text', true, 'about:blank'),
    ('Problem', 'title', 'text', true, 'What the status means'),
    ('Problem', 'status', 'integer:400:599', true, 'The status of the answer'),
    ('Problem', 'detail', 'text', false, 'What is wrong with this request'),
    ('Problem', 'code', 'text', false, 'SQLSTATE of the error, see the table of errors')
$$;
COMMENT ON FUNCTION switchboard._http_service_schemas() IS 'Schemas that no group of routes owns, as _http_schemas() has them.';
REVOKE ALL ON FUNCTION switchboard._http_service_schemas() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_schemas()
RETURNS TABLE (schema text, field text, type text, needed boolean, about text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT name, s.field, s.type, s.needed, s.about
  FROM (SELECT * FROM switchboard._http_service_schemas()
        UNION ALL SELECT * FROM switchboard._http_trigger_schemas()
        UNION ALL SELECT * FROM switchboard._http_call_schemas()
        UNION ALL SELECT * FROM switchboard._http_campaign_schemas()
        UNION ALL SELECT * FROM switchboard._http_report_schemas()
        UNION ALL SELECT * FROM switchboard._http_call_center_schemas()
        UNION ALL SELECT * FROM switchboard._http_public_schemas()
        UNION ALL SELECT * FROM switchboard._http_row_fields()) s, string_to_table(s.schema, ' ') AS name
$$;
COMMENT ON FUNCTION switchboard._http_schemas() IS
  'What requests and answers consist of, one row per field in the order in which they are shown: the type in the language of
60_http_schema.sql; needed: must be there; about: what it is. A group may name several schemas that share a field, with blanks between.';
REVOKE ALL ON FUNCTION switchboard._http_schemas() FROM PUBLIC;
