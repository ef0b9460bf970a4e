-- What the tests of routes share: requests as a client makes them.
CREATE FUNCTION test_dialer.http(method text, path text, body text DEFAULT '', query text DEFAULT '{}', headers jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object('status', r.status, 'type', r.headers ->> 'content-type', 'challenge', r.headers ->> 'www-authenticate',
                                              'location', r.headers ->> 'location', 'link', r.headers ->> 'link'))
         || coalesce(nullif(convert_from(r.body, 'UTF8'), '')::jsonb, '{}')
  FROM switchboard.handle_http(method, path, query::jsonb, headers || '{"content-type": "application/json"}', convert_to(body, 'UTF8')) r $$;
CREATE FUNCTION test_dialer.status(method text, path text, body text DEFAULT '', query text DEFAULT '{}') RETURNS int LANGUAGE sql AS $$
  SELECT (switchboard.handle_http(method, path, query::jsonb, '{}', convert_to(body, 'UTF8'))).status $$;
CREATE FUNCTION test_dialer.says(answer jsonb) RETURNS text LANGUAGE sql AS $$ SELECT concat_ws(' ', answer ->> 'status', answer ->> 'detail') $$;
-- The answer without its envelope.
CREATE FUNCTION test_dialer.body(method text, path text, body text DEFAULT '', query text DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT nullif(convert_from(r.body, 'UTF8'), '')::jsonb FROM switchboard.handle_http(method, path, query::jsonb, '{}', convert_to(body, 'UTF8')) r $$;
-- The query of the next page by the Link header of this one.
CREATE FUNCTION test_dialer.next_query(answer jsonb) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
  SELECT switchboard._parse_form(convert_to(substring(answer ->> 'link' FROM '\?(.*)>'), 'UTF8')) $$;
-- All rows of a list, page after page.
CREATE FUNCTION test_dialer.follow(path text, name text, query text) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE answer jsonb;
BEGIN
  FOR i IN 1 .. 20 LOOP
    answer := test_dialer.http('GET', path, query => query);
    RETURN QUERY SELECT jsonb_array_elements(answer -> name);
    query := test_dialer.next_query(answer);
    EXIT WHEN query IS NULL;
  END LOOP;
END $$;
-- A session that acts for a user of the tenant (null: for the whole of it).
CREATE FUNCTION test_dialer.act_for(tenant uuid, agent uuid DEFAULT NULL) RETURNS void LANGUAGE sql AS $$ SELECT switchboard.set_identity(tenant, agent) $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA test_dialer TO PUBLIC;
