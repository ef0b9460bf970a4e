-- What is said in a triggered call: built-in scripts, the choice of a template, the variables in it.

-- Sentences are left out when what they speak of is not known. Letters are escaped as in JSON, and only those of the language
-- in use are ever decoded: databases of any encoding read this file.
CREATE OR REPLACE FUNCTION switchboard._script_words()
RETURNS TABLE (locale text, agent text, hello text, bought text, coupon text, closing text,
               price_drop text, stock_alert text, promotion text,
               why_price_drop text, why_stock_alert text, why_promotion text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
VALUES
('en', 'your assistant',
 'Hello{{#customer_name}} {{customer_name}}{{/customer_name}}, this is {{agent_name}} from {{company_name}}.',
 '{{#purchase_date}}{{#product_name}} You bought {{product_name}} from us on {{purchase_date}}.{{/product_name}}{{/purchase_date}}',
 '{{#coupon_code}} Your personal coupon code{{#discount}} for {{discount}} off{{/discount}} is {{coupon_code}}{{#valid_until}}, valid until {{valid_until}}{{/valid_until}}.{{/coupon_code}}',
 ' Are you interested?',
 '{{#new_price}} {{product_name}} now costs {{new_price}}{{#original_price}} instead of {{original_price}}{{/original_price}}{{#savings_amount}}: you save {{savings_amount}}{{/savings_amount}}.{{/new_price}}{{^new_price}} The price has just fallen.{{/new_price}}',
 ' {{product_name}} is back in stock{{#new_price}} at {{new_price}}{{/new_price}}.',
 '{{#product_name}} We have an offer for you: {{product_name}}{{#new_price}} at {{new_price}}{{/new_price}}.{{/product_name}}{{^product_name}} We have an offer for you.{{/product_name}}',
 'Price drop on {{product_name}}{{#new_price}}: now {{new_price}}{{#original_price}} instead of {{original_price}}{{/original_price}}{{/new_price}}',
 '{{product_name}} is back in stock',
 'Offer{{#discount}}: {{discount}} off{{#product_name}} {{product_name}}{{/product_name}}{{/discount}}{{^discount}}{{#product_name}}: {{product_name}}{{/product_name}}{{/discount}}'),
('es', 'su asistente',
 'Hola{{#customer_name}}, {{customer_name}}{{/customer_name}}, le habla {{agent_name}} de {{company_name}}.',
 '{{#purchase_date}}{{#product_name}} El {{purchase_date}} nos compr\u00f3 {{product_name}}.{{/product_name}}{{/purchase_date}}',
 '{{#coupon_code}} Su cup\u00f3n personal{{#discount}} con un {{discount}} de descuento{{/discount}} es {{coupon_code}}{{#valid_until}}, v\u00e1lido hasta el {{valid_until}}{{/valid_until}}.{{/coupon_code}}',
 ' \u00bfLe interesa?',
 '{{#new_price}} {{product_name}} cuesta ahora {{new_price}}{{#original_price}} en lugar de {{original_price}}{{/original_price}}{{#savings_amount}}: se ahorra {{savings_amount}}{{/savings_amount}}.{{/new_price}}{{^new_price}} El precio acaba de bajar.{{/new_price}}',
 ' {{product_name}} vuelve a estar disponible{{#new_price}} por {{new_price}}{{/new_price}}.',
 '{{#product_name}} Tenemos una oferta para usted: {{product_name}}{{#new_price}} por {{new_price}}{{/new_price}}.{{/product_name}}{{^product_name}} Tenemos una oferta para usted.{{/product_name}}',
 'Bajada de precio de {{product_name}}{{#new_price}}: ahora {{new_price}}{{#original_price}} en lugar de {{original_price}}{{/original_price}}{{/new_price}}',
 '{{product_name}} vuelve a estar disponible',
 'Oferta{{#discount}}: {{discount}} de descuento{{#product_name}} en {{product_name}}{{/product_name}}{{/discount}}{{^discount}}{{#product_name}}: {{product_name}}{{/product_name}}{{/discount}}'),
('fr', 'votre assistant',
 'Bonjour{{#customer_name}} {{customer_name}}{{/customer_name}}, ici {{agent_name}} de {{company_name}}.',
 '{{#purchase_date}}{{#product_name}} Le {{purchase_date}}, vous avez achet\u00e9 {{product_name}} chez nous.{{/product_name}}{{/purchase_date}}',
 '{{#coupon_code}} Votre code promo personnel{{#discount}} de {{discount}} de r\u00e9duction{{/discount}} est {{coupon_code}}{{#valid_until}}, valable jusqu''au {{valid_until}}{{/valid_until}}.{{/coupon_code}}',
 ' Cela vous int\u00e9resse ?',
 '{{#new_price}} {{product_name}} co\u00fbte maintenant {{new_price}}{{#original_price}} au lieu de {{original_price}}{{/original_price}}{{#savings_amount}} : vous \u00e9conomisez {{savings_amount}}{{/savings_amount}}.{{/new_price}}{{^new_price}} Le prix vient de baisser.{{/new_price}}',
 ' {{product_name}} est de nouveau en stock{{#new_price}} \u00e0 {{new_price}}{{/new_price}}.',
 '{{#product_name}} Nous avons une offre pour vous : {{product_name}}{{#new_price}} \u00e0 {{new_price}}{{/new_price}}.{{/product_name}}{{^product_name}} Nous avons une offre pour vous.{{/product_name}}',
 'Baisse de prix sur {{product_name}}{{#new_price}} : maintenant {{new_price}}{{#original_price}} au lieu de {{original_price}}{{/original_price}}{{/new_price}}',
 '{{product_name}} est de nouveau en stock',
 'Offre{{#discount}} : {{discount}} de r\u00e9duction{{#product_name}} sur {{product_name}}{{/product_name}}{{/discount}}{{^discount}}{{#product_name}} : {{product_name}}{{/product_name}}{{/discount}}'),
('de', 'Ihr Assistent',
 'Guten Tag{{#customer_name}} {{customer_name}}{{/customer_name}}, hier ist {{agent_name}} von {{company_name}}.',
 '{{#purchase_date}}{{#product_name}} Sie haben am {{purchase_date}} bei uns {{product_name}} gekauft.{{/product_name}}{{/purchase_date}}',
 '{{#coupon_code}} Ihr pers\u00f6nlicher Gutscheincode{{#discount}} \u00fcber {{discount}} Rabatt{{/discount}} lautet {{coupon_code}}{{#valid_until}} und gilt bis zum {{valid_until}}{{/valid_until}}.{{/coupon_code}}',
 ' Haben Sie Interesse?',
 '{{#new_price}} {{product_name}} kostet jetzt {{new_price}}{{#original_price}} statt {{original_price}}{{/original_price}}{{#savings_amount}}: Sie sparen {{savings_amount}}{{/savings_amount}}.{{/new_price}}{{^new_price}} Der Preis ist gerade gefallen.{{/new_price}}',
 ' {{product_name}} ist wieder auf Lager{{#new_price}} und kostet {{new_price}}{{/new_price}}.',
 '{{#product_name}} Wir haben ein Angebot f\u00fcr Sie: {{product_name}}{{#new_price}} f\u00fcr {{new_price}}{{/new_price}}.{{/product_name}}{{^product_name}} Wir haben ein Angebot f\u00fcr Sie.{{/product_name}}',
 'Preissenkung bei {{product_name}}{{#new_price}}: jetzt {{new_price}}{{#original_price}} statt {{original_price}}{{/original_price}}{{/new_price}}',
 '{{product_name}} ist wieder auf Lager',
 'Angebot{{#discount}}: {{discount}} Rabatt{{#product_name}} auf {{product_name}}{{/product_name}}{{/discount}}{{^discount}}{{#product_name}}: {{product_name}}{{/product_name}}{{/discount}}'),
('pt', 'seu assistente',
 'Ol\u00e1{{#customer_name}}, {{customer_name}}{{/customer_name}}, aqui fala {{agent_name}} da {{company_name}}.',
 '{{#purchase_date}}{{#product_name}} Em {{purchase_date}}, voc\u00ea comprou {{product_name}} conosco.{{/product_name}}{{/purchase_date}}',
 '{{#coupon_code}} O seu cupom pessoal{{#discount}} com {{discount}} de desconto{{/discount}} \u00e9 {{coupon_code}}{{#valid_until}}, v\u00e1lido at\u00e9 {{valid_until}}{{/valid_until}}.{{/coupon_code}}',
 ' Tem interesse?',
 '{{#new_price}} {{product_name}} custa agora {{new_price}}{{#original_price}} em vez de {{original_price}}{{/original_price}}{{#savings_amount}}: voc\u00ea economiza {{savings_amount}}{{/savings_amount}}.{{/new_price}}{{^new_price}} O pre\u00e7o acaba de cair.{{/new_price}}',
 ' {{product_name}} voltou ao estoque{{#new_price}} por {{new_price}}{{/new_price}}.',
 '{{#product_name}} Temos uma oferta para voc\u00ea: {{product_name}}{{#new_price}} por {{new_price}}{{/new_price}}.{{/product_name}}{{^product_name}} Temos uma oferta para voc\u00ea.{{/product_name}}',
 'Queda de pre\u00e7o de {{product_name}}{{#new_price}}: agora {{new_price}}{{#original_price}} em vez de {{original_price}}{{/original_price}}{{/new_price}}',
 '{{product_name}} voltou ao estoque',
 'Oferta{{#discount}}: {{discount}} de desconto{{#product_name}} em {{product_name}}{{/product_name}}{{/discount}}{{^discount}}{{#product_name}}: {{product_name}}{{/product_name}}{{/discount}}')
$$;
REVOKE ALL ON FUNCTION switchboard._script_words() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._script_words() IS
'What the built-in scripts are made of, per language: how the agent is called, then Mustache templates of the sentences. All of them escaped, see _unescaped().';

CREATE OR REPLACE FUNCTION switchboard._built_in_scripts()
RETURNS TABLE (locale text, trigger_type text, script text, reason text, agent_name text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
SELECT w.locale, t.trigger_type, w.hello || t.sentences || w.coupon || w.closing, t.reason, w.agent
FROM switchboard._script_words() w
CROSS JOIN LATERAL (VALUES
    ('price_drop', w.bought || w.price_drop, w.why_price_drop),
    ('stock_alert', w.bought || w.stock_alert, w.why_stock_alert),
    ('promotion', w.bought || w.promotion, w.why_promotion)) AS t (trigger_type, sentences, reason)
$$;
REVOKE ALL ON FUNCTION switchboard._built_in_scripts() FROM PUBLIC;
COMMENT ON FUNCTION switchboard._built_in_scripts() IS
'The built-in script and reason of every trigger type in every language that has one, as Mustache templates, and what the agent is called when nobody said; escaped, see _unescaped().';

CREATE OR REPLACE FUNCTION switchboard._unescaped(words text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT ('"' || words || '"')::jsonb #>> '{}' $$;
REVOKE ALL ON FUNCTION switchboard._unescaped(text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._unescaped(text) IS
'The text that words of _script_words() mean: \u00e9 is a letter. Errors: 22P05 when the database''s encoding has no such letter.';

CREATE OR REPLACE FUNCTION switchboard._locale_rank(has text, wanted text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
SELECT CASE WHEN h.tag = w.tag THEN 1
            WHEN h.tag = split_part(w.tag, '-', 1) THEN 2
            WHEN split_part(h.tag, '-', 1) = split_part(w.tag, '-', 1) THEN 3
            WHEN h.tag = 'en' THEN 4
            WHEN split_part(h.tag, '-', 1) = 'en' THEN 5 END
FROM (SELECT lower(replace(has, '_', '-')) AS tag) h, (SELECT lower(replace(wanted, '_', '-')) AS tag) w
$$;
REVOKE ALL ON FUNCTION switchboard._locale_rank(text, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._locale_rank(text, text) IS
'How well a text in one locale serves somebody who wants another, 1 best: the same, its language, the language of another country, English; NULL not at all.';

-- Once per statement and locale, not per person: about 0.5 ms.
CREATE OR REPLACE FUNCTION switchboard._script_texts(tenant uuid, campaign_id uuid, trigger_type text, wanted text[])
RETURNS TABLE (wanted_locale text, locale text, script text, reason text, agent_name text, company_name text)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
WITH place AS MATERIALIZED (
    SELECT t.name, t.settings, c.script, coalesce(c.settings, '{}') AS rules,
           coalesce(nullif(btrim(c.settings ->> 'locale'), ''), nullif(btrim(t.settings ->> 'locale'), ''), 'en-US') AS usual
    FROM switchboard.tenants t
    LEFT JOIN switchboard.campaigns c ON c.tenant_id = t.id AND c.id = _script_texts.campaign_id
    WHERE t.id = tenant
), locales AS MATERIALIZED (
    SELECT w.tag AS wanted, coalesce(nullif(btrim(w.tag), ''), p.usual) AS tag
    FROM (SELECT DISTINCT coalesce(u.tag, '') AS tag FROM unnest(_script_texts.wanted) AS u (tag)) w, place p
), built_in AS MATERIALIZED (
    SELECT b.* FROM switchboard._built_in_scripts() b WHERE b.trigger_type = _script_texts.trigger_type
)
SELECT l.wanted, spoken.tag, spoken.script, switchboard._unescaped(w.reason),
       coalesce(nullif(btrim(p.rules ->> 'agent_name'), ''), nullif(btrim(p.settings ->> 'agent_name'), ''), switchboard._unescaped(w.agent_name)),
       coalesce(nullif(btrim(p.settings ->> 'company_name'), ''), p.name)
FROM locales l
CROSS JOIN place p
CROSS JOIN LATERAL (
    SELECT CASE x.source WHEN 4 THEN switchboard._unescaped(x.body) ELSE x.body END AS body, x.locale
    FROM (SELECT CASE WHEN m.name = p.rules -> 'templates' ->> _script_texts.trigger_type THEN 1 ELSE 3 END AS source,
                 switchboard._locale_rank(m.locale, l.tag) AS rank, m.locale, m.body
          FROM switchboard.templates m
          WHERE m.tenant_id = tenant AND m.channel = 'voice'
            AND m.name IN (p.rules -> 'templates' ->> _script_texts.trigger_type, _script_texts.trigger_type)
          UNION ALL
          SELECT 2, 1, p.usual, p.script
          UNION ALL
          SELECT 4, switchboard._locale_rank(b.locale, l.tag), b.locale, b.script FROM built_in b) x
    WHERE x.rank IS NOT NULL AND btrim(x.body) <> ''
    ORDER BY x.source, x.rank, x.locale LIMIT 1) chosen
-- Money, dates and the reason are in the language of the script, which need not be the one wanted.
CROSS JOIN LATERAL (
    SELECT CASE WHEN switchboard._locale_rank(chosen.locale, l.tag) <= 3 THEN l.tag ELSE chosen.locale END AS tag,
           regexp_replace(regexp_replace(chosen.body, '\[agent name\]', '{{agent_name}}', 'gi'),
                          '\[company name\]', '{{company_name}}', 'gi') AS script) spoken
CROSS JOIN LATERAL (
    SELECT b.reason, b.agent_name FROM built_in b
    ORDER BY switchboard._locale_rank(b.locale, spoken.tag) NULLS LAST LIMIT 1) w
$$;
REVOKE ALL ON FUNCTION switchboard._script_texts(uuid, uuid, text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._script_texts(uuid, uuid, text, text[]) IS
'What _script_vars() and the rendering of a script need, for each locale wanted (an empty one or NULL, which comes back as empty: the campaign''s settings.locale, else the tenant''s, else en-US): the locale that the script speaks, its template as _script_template() chooses it, that of the reason, the names of agent and company. campaign.script is taken to be written in the locale that an empty one means. No rows for a tenant or trigger type that does not exist.';

CREATE OR REPLACE FUNCTION switchboard._script_template(
    campaign_id uuid, trigger_type text, locale text DEFAULT NULL, tenant uuid DEFAULT NULL)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
SELECT t.script
FROM switchboard._script_texts(
    coalesce(tenant, (SELECT c.tenant_id FROM switchboard.campaigns c WHERE c.id = campaign_id), switchboard.current_tenant_id()),
    campaign_id, trigger_type, ARRAY[coalesce(locale, '')]) t
$$;
REVOKE ALL ON FUNCTION switchboard._script_template(uuid, text, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._script_template(uuid, text, text, uuid) IS
'The template of a triggered call''s script, the first there is: the voice template that the campaign names for the trigger type (settings.templates), campaign.script, the tenant''s voice template named as the trigger type, the built-in one (en, es, fr, de, pt). Of several locales the exact one, its language, English. [Agent Name] and [Company Name] become the variables agent_name and company_name.';

-- Inlined by the planner, hence no SET clause; pg_catalog operators only.
CREATE OR REPLACE FUNCTION switchboard._free_vars(fields jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN pg_catalog.jsonb_typeof(fields) OPERATOR(pg_catalog.=) 'object' THEN fields OPERATOR(pg_catalog.-)
        '{product_name,discount,coupon_code,original_price,new_price,savings_amount,purchase_date,valid_until,reason}'::pg_catalog.text[]
        ELSE '{}'::pg_catalog.jsonb END
$$;
REVOKE ALL ON FUNCTION switchboard._free_vars(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._free_vars(jsonb) IS
'The fields of contacts.metadata or of a campaign''s settings.vars that a script may use: all but those named as something about the offer, which must not speak of a coupon or price that there is not. Empty for what is no object.';

-- Money and dates are cached per backend; see workers/core/locale_format.hpp.
CREATE OR REPLACE FUNCTION switchboard._script_vars(
    locale text, timezone text, currency text,
    customer_name text, first_name text, last_name text, email text, company text, "position" text, phone_number text,
    product_name text, discount_percent numeric, coupon_code text, original_price numeric, new_price numeric,
    purchased_at timestamptz, valid_until timestamptz,
    campaign_name text, company_name text, agent_name text, reason_template text)
RETURNS jsonb
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sb_script_vars';
REVOKE ALL ON FUNCTION switchboard._script_vars(text, text, text, text, text, text, text, text, text, text, text, numeric, text, numeric, numeric, timestamptz, timestamptz, text, text, text, text)
  FROM PUBLIC;
COMMENT ON FUNCTION switchboard._script_vars(text, text, text, text, text, text, text, text, text, text, text, numeric, text,
    numeric, numeric, timestamptz, timestamptz, text, text, text, text) IS
'The variables of a script, to be laid over the campaign''s and the contact''s own: _free_vars(settings -> ''vars'') || _free_vars(metadata) || _script_vars(...) || vars. Money, dates and the discount are written as in the locale, dates in the time zone; unknown locales, zones and currencies are no error (en-US, UTC, the code). customer_name is the whole name, as _person_name() has it. What is not known about the person is empty; what is not known about the offer is absent, so that a script which speaks of it fails. reason_template, if any, is rendered with them as reason.';

-- Numbers given as prices and discount are facts, to be written out as any others; texts are taken as they are.
CREATE OR REPLACE FUNCTION switchboard._number_or_null(vars jsonb, key text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN jsonb_typeof(vars -> key) = 'number' THEN (vars ->> key)::numeric END $$;
REVOKE ALL ON FUNCTION switchboard._number_or_null(jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._number_or_null(jsonb, text) IS 'A member of an object if it is a number.';

CREATE OR REPLACE FUNCTION switchboard._check_script_subject(campaign_id uuid, contact_id uuid, product_id uuid, trigger_type text, vars jsonb)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF trigger_type IS NULL OR trigger_type NOT IN (SELECT b.trigger_type FROM switchboard._built_in_scripts() b) THEN
    RAISE EXCEPTION 'unknown trigger type: %', coalesce(quote_literal(trigger_type), 'null')
      USING ERRCODE = '22023', HINT = 'Known are price_drop, stock_alert, promotion.';
  END IF;
  IF jsonb_typeof(vars) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION 'vars must be a JSON object, not %', coalesce(jsonb_typeof(vars), 'null') USING ERRCODE = '22023';
  END IF;
  IF contact_id IS NULL OR NOT EXISTS (SELECT FROM switchboard.contacts k WHERE k.id = contact_id) THEN
    RAISE EXCEPTION 'no such contact: %', coalesce(contact_id::text, 'null') USING ERRCODE = 'P0002';
  END IF;
  IF campaign_id IS NOT NULL THEN
    PERFORM switchboard._visible_campaign(campaign_id);
  END IF;
  IF product_id IS NOT NULL THEN
    PERFORM switchboard._visible_product(product_id);
  END IF;
END
$$;
REVOKE ALL ON FUNCTION switchboard._check_script_subject(uuid, uuid, uuid, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION switchboard._check_script_subject(uuid, uuid, uuid, text, jsonb) IS
'Raises what generate_call_script() raises for bad arguments: P0002 for a campaign, contact or product that the caller does not see, 22023 for a trigger type or variables that are none.';

CREATE OR REPLACE FUNCTION switchboard.generate_call_script(
    campaign_id uuid, contact_id uuid, product_id uuid, trigger_type text, vars jsonb DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
-- SECURITY INVOKER: what the caller cannot see cannot be spoken about.
DECLARE
  said text;
BEGIN
  PERFORM switchboard._check_script_subject(campaign_id, contact_id, product_id, trigger_type, vars);
  SELECT switchboard.render_template(x.script,
           switchboard._free_vars(c.settings -> 'vars') || switchboard._free_vars(k.metadata)
           || switchboard._script_vars(
                x.locale, switchboard._call_zone(k.timezone, switchboard._phone_place(k.phone_number), t.timezone), coalesce(p.currency, t.currency),
                switchboard._person_name(k.name, k.first_name, k.last_name), k.first_name, k.last_name, k.email, k.company, k.position, k.phone_number,
                p.name, coalesce(switchboard._number_or_null(vars, 'discount_percent'), c.discount_percent), NULL,
                switchboard._number_or_null(vars, 'original_price'), coalesce(switchboard._number_or_null(vars, 'new_price'), p.price),
                (SELECT max(b.purchased_at) FROM switchboard.purchases b
                 WHERE b.tenant_id = k.tenant_id AND b.contact_id = k.id AND b.product_id = p.id AND b.refunded_at IS NULL),
                NULL, c.name, x.company_name, x.agent_name, x.reason)
           || (SELECT coalesce(jsonb_object_agg(v.key, v.value), '{}') FROM jsonb_each(vars) v
               WHERE NOT (v.key IN ('original_price', 'new_price') AND jsonb_typeof(v.value) = 'number')))
  INTO said
  FROM switchboard.contacts k
  JOIN switchboard.tenants t ON t.id = k.tenant_id
  LEFT JOIN switchboard.campaigns c ON c.id = generate_call_script.campaign_id
  LEFT JOIN switchboard.products p ON p.id = generate_call_script.product_id
  CROSS JOIN LATERAL switchboard._script_texts(t.id, c.id, generate_call_script.trigger_type, ARRAY[k.locale]) x
  WHERE k.id = generate_call_script.contact_id;
  RETURN said;
END
$$;
REVOKE ALL ON FUNCTION switchboard.generate_call_script(uuid, uuid, uuid, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION switchboard.generate_call_script(uuid, uuid, uuid, text, jsonb) IS
'What would be said to a contact about a product: the script of the campaign for the trigger type, else the built-in one in the contact''s language (en, es, fr, de, pt). campaign and product may be NULL. Variables are those of _script_vars() with the contact''s metadata and the campaign''s settings.vars underneath and vars on top; numbers in vars as original_price, new_price (default: the product''s) and discount_percent (default: the campaign''s) are written out as money and percent. There is no coupon_code or valid_until unless vars has them. Errors: P0002 no such campaign, contact or product, 22023 bad trigger type, vars or template, SB012 a variable is missing.';
