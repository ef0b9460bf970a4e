-- Reading JSON objects that applications give: filters of lists, bodies of HTTP requests.

CREATE OR REPLACE FUNCTION switchboard._camel_keys(fields jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  answer jsonb;
  twice  text;
BEGIN
  WITH named AS (
    SELECT (SELECT string_agg(CASE p.n WHEN 1 THEN p.part ELSE upper(left(p.part, 1)) || substr(p.part, 2) END, '' ORDER BY p.n)
            FROM string_to_table(e.key, '_') WITH ORDINALITY AS p (part, n)) AS key, e.value
    FROM jsonb_each(fields) e
  )
  SELECT coalesce(jsonb_object_agg(coalesce(n.key, ''), n.value), '{}'),
         (SELECT d.key FROM named d GROUP BY d.key HAVING count(*) > 1 ORDER BY d.key LIMIT 1)
  INTO answer, twice
  FROM named n;
  IF twice IS NOT NULL THEN
    RAISE EXCEPTION '"%" is given twice', left(twice, 64) USING ERRCODE = '22023';
  END IF;
  RETURN answer;
END
$$;
COMMENT ON FUNCTION switchboard._camel_keys(jsonb) IS
  'A JSON object whose keys may be written product_id or productId, with the latter. Errors: 22023 both are there.';
REVOKE ALL ON FUNCTION switchboard._camel_keys(jsonb) FROM PUBLIC;
