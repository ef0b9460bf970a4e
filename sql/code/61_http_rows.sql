-- Routes of tables that a client keeps: contacts, products, purchases, numbers not to be called, recorded messages; and of coupons.
-- One row of _http_collections() each: everything else is the same for all.

CREATE OR REPLACE FUNCTION switchboard._http_row_fields()
RETURNS TABLE (schema text, field text, type text, needed boolean, about text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES
    ('ContactQuery ProductQuery PurchaseRowQuery DoNotCallQuery VoicemailQuery', 'limit', 'integer:1:500', false, 'How many, default 50'),
    ('ContactQuery ProductQuery PurchaseRowQuery DoNotCallQuery VoicemailQuery', 'offset', 'integer:0', false, 'After how many others'),
    ('ContactQuery ProductQuery PurchaseRowQuery DoNotCallQuery VoicemailQuery', 'before', 'uuid', false, 'Behind the place that "next" of the page before names'),
    ('ContactList ProductList PurchaseList DoNotCallList VoicemailList', 'total', 'integer', true, 'How many there are in all'),
    ('ContactList ProductList PurchaseList DoNotCallList VoicemailList', 'next', 'uuid?', true, 'Where the next page begins; null: there is none'),
    ('ContactList', 'contacts', '[Contact]', true, 'Newest first'),
    ('ProductList', 'products', '[Product]', true, 'Newest first'),
    ('PurchaseList', 'purchases', '[PurchaseRow]', true, 'Newest first'),
    ('DoNotCallList', 'numbers', '[DoNotCall]', true, 'Newest first'),
    ('VoicemailList', 'voicemails', '[Voicemail]', true, 'Newest first'),
    ('ContactQuery DoNotCallQuery', 'phoneNumber', 'text:64', false, 'With this number, in any form'),
    ('ContactQuery', 'email', 'text:254', false, 'With this address'),
    ('ContactQuery', 'leadStatus', 'new|qualified|hot|customer', false, 'Who have come so far'),
    ('ContactQuery', 'company', 'text:200', false, 'Who work there'),
    ('ProductQuery', 'sku', 'text:200', false, 'With this article number'),
    ('ProductQuery', 'category', 'text:200', false, 'Of a category'),
    ('PurchaseRowQuery', 'contactId', 'uuid', false, 'By a contact'),
    ('PurchaseRowQuery', 'productId', 'uuid', false, 'Of a product'),
    ('PurchaseRowQuery', 'orderRef', 'text:200', false, 'Of an order'),
    ('NewContact', 'phoneNumber', 'text:64', true, 'In any form'),
    ('ContactChange', 'phoneNumber', 'text:64', false, 'In any form'),
    ('NewContact ContactChange', 'name', 'text:200', false, 'Full name'),
    ('NewContact ContactChange', 'firstName', 'text:200', false, 'Given name'),
    ('NewContact ContactChange', 'lastName', 'text:200', false, 'Family name'),
    ('NewContact ContactChange', 'email', 'text:254', false, 'E-mail address'),
    ('NewContact ContactChange', 'company', 'text:200', false, 'Employer'),
    ('NewContact ContactChange', 'position', 'text:200', false, 'Job title'),
    ('NewContact ContactChange', 'leadStatus', 'new|qualified|hot|customer', false, 'How far the contact has come'),
    ('NewContact ContactChange', 'leadScore', 'integer:0:100', false, 'Worth of the lead'),
    ('NewContact ContactChange', 'source', 'text:200', false, 'Where the contact came from'),
    ('NewContact ContactChange', 'notes', 'text', false, 'Free text'),
    ('NewContact ContactChange', 'timezone', 'text:64', false, 'IANA zone'),
    ('NewContact ContactChange', 'locale', 'text:35', false, 'BCP 47 language tag'),
    ('NewContact ContactChange', 'hasWhatsapp', 'boolean', false, 'Whether WhatsApp reaches the number'),
    ('NewContact ContactChange', 'allowsSms', 'boolean', false, 'false: no SMS is sent'),
    ('NewContact ContactChange', 'nextFollowUpAt', 'time', false, 'When somebody should get in touch again'),
    ('NewContact ContactChange', 'metadata', 'object', false, 'Fields of your own, as a whole'),
    ('NewProduct', 'name', 'text:1:200', true, 'As said to customers'),
    ('ProductChange', 'name', 'text:1:200', false, 'As said to customers'),
    ('NewProduct ProductChange', 'sku', 'text:200', false, 'Article number'),
    ('NewProduct ProductChange', 'category', 'text:200', false, 'Group of products'),
    ('NewProduct ProductChange', 'price', 'number:0:9999999999.99', false, 'A fall triggers calls of campaigns tied to the product'),
    ('NewProduct ProductChange', 'stock', 'integer:0', false, 'Pieces; being back triggers calls too'),
    ('NewProduct ProductChange', 'currency', 'text:3:3', false, 'ISO 4217; null: the tenant''s'),
    ('NewProduct ProductChange', 'metadata', 'object', false, 'Fields of your own, as a whole'),
    ('NewPurchase', 'contactId', 'uuid', true, 'Who bought'),
    ('NewPurchase', 'productId', 'uuid', true, 'What'),
    ('NewPurchase', 'amountPaid', 'number:0:9999999999.99', true, 'For all pieces together'),
    ('NewPurchase', 'quantity', 'integer:1:1000000', false, 'How many, default 1'),
    ('NewPurchase', 'currency', 'text:3:3', false, 'ISO 4217; default the product''s'),
    ('NewPurchase', 'purchasedAt', 'time', false, 'When, default now'),
    ('NewPurchase', 'orderRef', 'text:200', false, 'The shop''s order'),
    ('PurchaseChange', 'refundedAt', 'time', false, 'When it was given back; null: it was not'),
    ('PurchaseChange', 'amountPaid', 'number:0:9999999999.99', false, 'For all pieces together'),
    ('PurchaseChange', 'orderRef', 'text:200', false, 'The shop''s order'),
    ('NewDoNotCall', 'phoneNumber', 'text:64', true, 'In any form'),
    ('NewDoNotCall', 'channel', 'voice|whatsapp|sms', false, 'Only there; default everywhere'),
    ('NewDoNotCall', 'reason', 'text:500', false, 'Why'),
    ('NewDoNotCall', 'source', 'text:200', false, 'Who says so'),
    ('NewDoNotCall', 'expiresAt', 'time', false, 'Until when; default for ever'),
    ('NewVoicemail', 'name', 'text:1:200', true, 'What it is called'),
    ('NewVoicemail', 'audioUrl', 'text:1:2000', true, 'Where the provider gets it'),
    ('NewVoicemail', 'duration', 'integer:0', false, 'Seconds'),
    ('NewCoupon', 'discountPercent', 'number:0:100', true, 'Per cents off'),
    ('NewCoupon', 'contactId', 'uuid', false, 'For whom; default for anybody'),
    ('NewCoupon', 'productId', 'uuid', false, 'For what; default for anything'),
    ('NewCoupon', 'campaignId', 'uuid', false, 'Of which campaign'),
    ('NewCoupon', 'validUntil', 'time', false, 'Until when'),
    ('NewCoupon', 'reason', 'text:1:20', false, 'How the code begins, default OFFER'),
    ('CouponUse', 'code', 'text:1:64', true, 'The code'),
    ('CouponUse', 'amount', 'number:0:9999999999.99', false, 'What was paid'),
    ('CouponUse', 'contactId', 'uuid', false, 'Who uses it'),
    ('CouponUse', 'productId', 'uuid', false, 'What for')
$$;
COMMENT ON FUNCTION switchboard._http_row_fields() IS 'Schemas of these routes, as _http_schemas() has them.';
REVOKE ALL ON FUNCTION switchboard._http_row_fields() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_collections()
RETURNS TABLE (path text, relation text, name text, what text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  VALUES ('/api/contacts', 'contacts', 'contacts', 'contact'),
         ('/api/products', 'products', 'products', 'product'),
         ('/api/purchases', 'purchases', 'purchases', 'purchase'),
         ('/api/do-not-call', 'do_not_call', 'numbers', 'entry'),
         ('/api/dialer/voicemails', 'voicemail_drops', 'voicemails', 'voicemail message')
$$;
COMMENT ON FUNCTION switchboard._http_collections() IS
  'Tables that are served as they are: their path, what their list is called in answers, and what a row is called in errors.';
REVOKE ALL ON FUNCTION switchboard._http_collections() FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_collection(request switchboard.http_request, OUT path text, OUT relation text, OUT name text, OUT what text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT c.* FROM switchboard._http_collections() c WHERE request.path = c.path OR starts_with(request.path, c.path || '/')
$$;
COMMENT ON FUNCTION switchboard._http_collection(switchboard.http_request) IS 'The table that a request is about.';
REVOKE ALL ON FUNCTION switchboard._http_collection(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_row_json(relation text, id uuid, what text)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see does not exist.
DECLARE
  shown jsonb;
BEGIN
  EXECUTE format('SELECT to_jsonb(r) - ''tenant_id'' FROM switchboard.%I r WHERE r.id = $1', relation) INTO shown USING id;
  IF shown IS NULL THEN
    RAISE EXCEPTION 'no such %: %', what, id USING ERRCODE = 'P0002';
  END IF;
  RETURN shown;
END
$$;
COMMENT ON FUNCTION switchboard._http_row_json(text, uuid, text) IS 'A row of a table as the API shows it. Error: P0002 no such row.';
REVOKE ALL ON FUNCTION switchboard._http_row_json(text, uuid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_contact_fields(fields jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- Parallel unsafe, as _known_timezone(). Clients forget to encode the + of a number in a URL, which then arrives as a blank.
BEGIN
  IF fields -> 'timezone' <> 'null' AND NOT switchboard._known_timezone(fields ->> 'timezone') THEN
    RAISE EXCEPTION 'unknown time zone: %', fields ->> 'timezone' USING ERRCODE = '22023';
  ELSIF coalesce(fields -> 'phoneNumber', 'null') = 'null' THEN
    RETURN fields;
  END IF;
  RETURN fields || jsonb_build_object('phoneNumber',
    switchboard.normalize_phone(regexp_replace(fields ->> 'phoneNumber', '^ (?=[0-9])', '+'), switchboard._default_region()));
END
$$;
COMMENT ON FUNCTION switchboard._http_contact_fields(jsonb) IS
  'Fields with their phoneNumber in E.164. Errors: SB001, 22023 unknown time zone.';
REVOKE ALL ON FUNCTION switchboard._http_contact_fields(jsonb) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_rows(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER. Cost: what fits is counted.
DECLARE
  subject constant record := switchboard._http_collection(request);
  asked   constant jsonb := switchboard._http_columns(switchboard._http_contact_fields(request.query - '{limit,offset,before}'::text[]));
  fitting text;
  page    jsonb;
  total   bigint;
BEGIN
  fitting := format('FROM switchboard.%1$I r, jsonb_populate_record(NULL::switchboard.%1$I, $1) f WHERE r.tenant_id = switchboard.current_tenant_id()',
                    subject.relation)
             || coalesce((SELECT string_agg(format(' AND r.%1$I = f.%1$I', k), '') FROM jsonb_object_keys(asked) k), '');
  EXECUTE format('SELECT jsonb_agg(p.shown ORDER BY p.id DESC) FROM (SELECT r.id, to_jsonb(r) - ''tenant_id'' AS shown %s
                    AND ($2 IS NULL OR r.id < $2) ORDER BY r.id DESC LIMIT $3 OFFSET $4) p', fitting)
    INTO page USING asked, (request.query ->> 'before')::uuid, switchboard._http_limit(request) + 1, (request.query ->> 'offset')::int;
  EXECUTE format('SELECT count(*) %s', fitting) INTO total USING asked;
  RETURN switchboard._http_list(request, subject.name, page, total, 'before', 'id');
END
$$;
COMMENT ON FUNCTION switchboard._http_rows(switchboard.http_request) IS 'Routes GET of a table: its rows, newest first.';
REVOKE ALL ON FUNCTION switchboard._http_rows(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_row(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  subject constant record := switchboard._http_collection(request);
BEGIN
  RETURN switchboard._http_json(200, switchboard._http_row_json(subject.relation, switchboard._http_id(request, subject.what), subject.what));
END
$$;
COMMENT ON FUNCTION switchboard._http_row(switchboard.http_request) IS 'Routes GET of a row.';
REVOKE ALL ON FUNCTION switchboard._http_row(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_new_row(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  subject constant record := switchboard._http_collection(request);
  made    uuid := switchboard._http_insert(subject.relation, switchboard._http_contact_fields(request.fields));
BEGIN
  RETURN switchboard._http_created(subject.path || '/' || made, switchboard._http_row_json(subject.relation, made, subject.what));
END
$$;
COMMENT ON FUNCTION switchboard._http_new_row(switchboard.http_request) IS 'Routes POST of a table: a new row.';
REVOKE ALL ON FUNCTION switchboard._http_new_row(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_change_row(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  subject constant record := switchboard._http_collection(request);
BEGIN
  PERFORM switchboard._http_update(subject.relation, switchboard._http_id(request, subject.what),
                                   switchboard._http_contact_fields(request.fields), subject.what);
  RETURN switchboard._http_row(request);
END
$$;
COMMENT ON FUNCTION switchboard._http_change_row(switchboard.http_request) IS 'Routes PATCH of a row: what is given changes; null empties a field.';
REVOKE ALL ON FUNCTION switchboard._http_change_row(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_delete_row(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  subject constant record := switchboard._http_collection(request);
BEGIN
  RETURN switchboard._http_delete(subject.relation, switchboard._http_id(request, subject.what), subject.what);
END
$$;
COMMENT ON FUNCTION switchboard._http_delete_row(switchboard.http_request) IS 'Routes DELETE of a row.';
REVOKE ALL ON FUNCTION switchboard._http_delete_row(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_new_coupon(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  fields constant jsonb := request.fields;
BEGIN
  RETURN switchboard._http_json(201, to_jsonb(switchboard.create_coupon((fields ->> 'discountPercent')::numeric, (fields ->> 'contactId')::uuid,
    (fields ->> 'productId')::uuid, (fields ->> 'campaignId')::uuid, (fields ->> 'validUntil')::timestamptz,
    coalesce(fields ->> 'reason', 'OFFER'))) - 'tenant_id');
END
$$;
COMMENT ON FUNCTION switchboard._http_new_coupon(switchboard.http_request) IS 'Route POST /api/coupons: create_coupon().';
REVOKE ALL ON FUNCTION switchboard._http_new_coupon(switchboard.http_request) FROM PUBLIC;

CREATE OR REPLACE FUNCTION switchboard._http_redeem_coupon(request switchboard.http_request)
RETURNS switchboard.http_response
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER.
DECLARE
  fields constant jsonb := request.fields;
BEGIN
  RETURN switchboard._http_json(200, to_jsonb(switchboard.redeem_coupon(fields ->> 'code', (fields ->> 'amount')::numeric,
    (fields ->> 'contactId')::uuid, (fields ->> 'productId')::uuid)) - 'tenant_id');
END
$$;
COMMENT ON FUNCTION switchboard._http_redeem_coupon(switchboard.http_request) IS 'Route POST /api/coupons/redeem: redeem_coupon().';
REVOKE ALL ON FUNCTION switchboard._http_redeem_coupon(switchboard.http_request) FROM PUBLIC;
