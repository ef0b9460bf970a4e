-- What is said in a triggered call: built-in scripts, which template is taken, its variables.
\set ON_ERROR_STOP on
\ir support/dialer.sql
BEGIN;
SELECT no_plan();

SELECT test_dialer.new_tenant('Northwind', 'Europe/London') AS tenant \gset
INSERT INTO switchboard.products (name, price, currency) VALUES ('iPhone 15 Pro', 849.99, NULL) RETURNING id AS phone \gset
INSERT INTO switchboard.contacts (name, phone_number, email, locale, timezone, metadata)
VALUES ('Alice Johnson', '+15551234567', 'alice@example.com', 'en-US', 'America/New_York', '{"plan": "gold", "coupon_code": "FREE", "first_name": "Eve"}')
RETURNING id AS alice \gset
INSERT INTO switchboard.contacts (first_name, last_name, phone_number) VALUES ('Bob', 'Miller', '+442079460101') RETURNING id AS bob \gset
INSERT INTO switchboard.purchases (contact_id, product_id, amount_paid, purchased_at, refunded_at)
VALUES (:'alice', :'phone', 999.99, '2025-11-14 02:00+00', NULL), (:'alice', :'phone', 999.99, '2025-12-24 02:00+00', now());
INSERT INTO switchboard.campaigns (name, status, product_id, discount_percent) VALUES ('Fall sale', 'active', :'phone', 15) RETURNING id AS sale \gset

-- Everything below runs as an application would.
SET LOCAL ROLE switchboard_app;

CREATE FUNCTION pg_temp.say(kind text DEFAULT 'price_drop', vars jsonb DEFAULT '{}', person text DEFAULT 'Alice Johnson') RETURNS text LANGUAGE sql AS $$
    SELECT switchboard.generate_call_script((SELECT c.id FROM switchboard.campaigns c), k.id, (SELECT p.id FROM switchboard.products p), kind, vars)
    FROM switchboard.contacts k WHERE person IN (k.name, k.first_name)
$$;

SELECT is(pg_temp.say(vars => '{"original_price": 999.99, "coupon_code": "PRICEDROP-15-ABC234", "valid_until": "November 28, 2026"}'),
    'Hello Alice Johnson, this is your assistant from Northwind. You bought iPhone 15 Pro from us on November 13, 2025. '
    'iPhone 15 Pro now costs $849.99 instead of $999.99: you save $150.00. '
    'Your personal coupon code for 15% off is PRICEDROP-15-ABC234, valid until November 28, 2026. Are you interested?',
    'a price drop names customer, company, product, day of purchase in the customer''s zone, prices, saving, coupon');
SELECT is(pg_temp.say(), 'Hello Alice Johnson, this is your assistant from Northwind. You bought iPhone 15 Pro from us on November 13, 2025. '
    'iPhone 15 Pro now costs $849.99. Are you interested?', 'what is not known is not spoken of');
SELECT is(pg_temp.say(person => 'Bob'), 'Hello Bob Miller, this is your assistant from Northwind. iPhone 15 Pro now costs $849.99. Are you interested?',
    'nor is a purchase that was never made');
SELECT is(pg_temp.say('stock_alert'), 'Hello Alice Johnson, this is your assistant from Northwind. You bought iPhone 15 Pro from us on November 13, 2025. '
    'iPhone 15 Pro is back in stock at $849.99. Are you interested?', 'a stock alert');
SELECT is(switchboard.generate_call_script(NULL, :'bob', NULL, 'promotion'),
    'Hello Bob Miller, this is your assistant from Northwind. We have an offer for you. Are you interested?', 'a promotion of nothing in particular, without a campaign');

-- Every language and type, with everything known and with nothing known.
SELECT ok(strpos(said.text, '{{') = 0 AND said.text !~ '  | [.,]', kind || ': ' || said.text)
FROM unnest('{en,es,fr,de,pt}'::text[]) AS tag, unnest('{price_drop,stock_alert,promotion}'::text[]) AS kind, (VALUES (true), (false)) AS t (known),
     LATERAL switchboard._script_texts(:'tenant', NULL, kind, ARRAY[tag]) AS x,
     LATERAL (SELECT switchboard.render_template(x.script, switchboard._script_vars(x.locale, 'UTC', 'EUR',
                CASE WHEN known THEN 'Ana' END, NULL, NULL, NULL, NULL, NULL, NULL, 'Kamera', CASE WHEN known THEN 12.5 END,
                CASE WHEN known THEN 'X-1' END, CASE WHEN known THEN 20 END, CASE WHEN known THEN 10 END,
                CASE WHEN known THEN timestamptz '2026-11-14' END, CASE WHEN known THEN timestamptz '2026-11-28' END,
                NULL, x.company_name, x.agent_name, x.reason)) AS text) said;
SELECT is(switchboard._script_vars(x.locale, 'UTC', 'EUR', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Kamera', NULL, NULL, 20, 10, NULL, NULL,
              NULL, NULL, NULL, x.reason) ->> 'reason', t.sentence, 'reason in ' || x.locale)
FROM switchboard._script_texts(:'tenant', NULL, 'price_drop', '{en,es,fr,de,pt}') x
JOIN (VALUES ('en', 'Price drop on Kamera: now €10.00 instead of €20.00'), ('es', 'Bajada de precio de Kamera: ahora 10,00 € en lugar de 20,00 €'),
             ('fr', 'Baisse de prix sur Kamera : maintenant 10,00 € au lieu de 20,00 €'), ('de', 'Preissenkung bei Kamera: jetzt 10,00 € statt 20,00 €'),
             ('pt', 'Queda de preço de Kamera: agora € 10,00 em vez de € 20,00')) AS t (tag, sentence) ON t.tag = x.locale;

-- Which language.
UPDATE switchboard.contacts SET locale = 'de_AT' WHERE id = :'alice';
SELECT matches(pg_temp.say(), '^Guten Tag Alice Johnson, hier ist Ihr Assistent von Northwind\. Sie haben am 13\. November 2025 bei uns iPhone 15 Pro gekauft\. iPhone 15 Pro kostet jetzt',
    'a language is spoken in other countries too');
UPDATE switchboard.contacts SET locale = 'ja' WHERE id = :'alice';
SELECT matches(pg_temp.say(), '^Hello Alice .* on November 13, 2025\..*\$849\.99', 'an unknown one is answered in English, dates and money too');
UPDATE switchboard.contacts SET locale = '{{x}}; DROP' WHERE id = :'alice';
SELECT matches(pg_temp.say(), '^Hello Alice .* November 13, 2025', 'and so is what is no locale');
UPDATE switchboard.contacts SET locale = NULL WHERE id = :'alice';
UPDATE switchboard.tenants SET settings = settings || '{"locale": "fr-FR", "agent_name": "Zoé", "company_name": "Northwind SA"}';
SELECT matches(pg_temp.say(), '^Bonjour Alice Johnson, ici Zoé de Northwind SA\. ', 'the tenant''s for those who have none, with its names');
UPDATE switchboard.campaigns SET settings = settings || '{"locale": "es", "agent_name": "Luz"}';
SELECT matches(pg_temp.say(), '^Hola, Alice Johnson, le habla Luz de Northwind SA\. ', 'the campaign''s before that');
UPDATE switchboard.tenants SET settings = settings - '{locale,agent_name,company_name}'::text[];
UPDATE switchboard.campaigns SET settings = '{}';

-- Which template.
INSERT INTO switchboard.templates (name, channel, locale, body) VALUES
    ('price_drop', 'voice', 'en', 'tenant en'), ('price_drop', 'voice', 'de', 'tenant de'), ('price_drop', 'sms', 'en', 'sms'),
    ('special', 'voice', 'en-GB', 'special en-GB'), ('special', 'voice', 'fr', 'special fr');
CREATE FUNCTION pg_temp.template(locale text, kind text DEFAULT 'price_drop') RETURNS text LANGUAGE sql AS $$
    SELECT switchboard._script_template((SELECT c.id FROM switchboard.campaigns c), kind, locale)
$$;
SELECT is(pg_temp.template('en-US'), 'tenant en', 'the tenant''s template of the type, by language');
SELECT is(pg_temp.template('de-CH'), 'tenant de', 'in the right one');
SELECT is(pg_temp.template('fr'), 'tenant en', 'English serves everybody');
SELECT isnt(pg_temp.template('en', 'promotion'), 'tenant en', 'another type has another one');
UPDATE switchboard.campaigns SET script = 'campaign';
SELECT is(pg_temp.template('en'), 'campaign', 'the campaign''s script goes before it');
UPDATE switchboard.campaigns SET settings = '{"templates": {"price_drop": "special"}}';
SELECT is(pg_temp.template('fr-CA'), 'special fr', 'and the template it names before that');
SELECT is(pg_temp.template('en-GB'), 'special en-GB', 'by locale');
SELECT is(pg_temp.template('en-US'), 'special en-GB', 'that of another country when there is no other');
SELECT is(pg_temp.template('en', 'promotion'), 'campaign', 'for that type only');
UPDATE switchboard.campaigns SET settings = '{"templates": {"price_drop": "no such"}}';
SELECT is(pg_temp.template('en'), 'campaign', 'a name that there is not counts for nothing');
UPDATE switchboard.campaigns SET settings = '{"templates": {"price_drop": "price_drop"}}';
SELECT is(pg_temp.template('en'), 'tenant en', 'a name that is the type''s does');
UPDATE switchboard.campaigns SET settings = '{"templates": {}}', script = ' ';
SELECT is(pg_temp.template('en'), 'tenant en', 'a blank script counts for nothing');
SELECT is(pg_temp.template('en', 'nonsense'), NULL, 'no type, no template');
DELETE FROM switchboard.templates;
UPDATE switchboard.campaigns SET settings = '{}', script = 'Hi {{customer_name}}, [agent name] of [Company Name]. Plan {{plan}}, {{favourite}}, {{first_name}}|';

-- Variables.
SELECT throws_ok('SELECT pg_temp.say()', 'SB012', 'template variable "favourite" is missing', 'an absent variable is named');
UPDATE switchboard.campaigns SET settings = '{"vars": {"favourite": "red", "plan": "basic"}}';
SELECT is(pg_temp.say(), 'Hi Alice Johnson, your assistant of Northwind. Plan gold, red, |', 'metadata over the campaign''s variables, the person over metadata');
SELECT is(pg_temp.say(vars => '{"favourite": "blue", "first_name": "Al"}'), 'Hi Alice Johnson, your assistant of Northwind. Plan gold, blue, Al|', 'and vars over all');
UPDATE switchboard.campaigns SET settings = '{}', script = 'Code {{coupon_code}}';
SELECT throws_ok('SELECT pg_temp.say()', 'SB012', 'template variable "coupon_code" is missing', 'metadata is no coupon');
UPDATE switchboard.campaigns SET script = '{{original_price}} {{new_price}} {{savings_amount}} {{discount}}';
SELECT is(pg_temp.say(vars => '{"original_price": 1000, "new_price": 0.1, "discount_percent": 12.5}'), '$1,000.00 $0.10 $999.90 12.5%', 'numbers are money');
SELECT is(pg_temp.say(vars => '{"original_price": "old", "new_price": "new", "savings_amount": "much"}'), 'old new much 15%', 'texts are texts');
UPDATE switchboard.campaigns SET script = '{{#x}}';
SELECT throws_ok('SELECT pg_temp.say()', '22023', NULL, 'a broken template is one');
SELECT is(switchboard._render_or_null('{{#x}}', '{}'), NULL, 'which is nothing in a mass run');
SELECT is(switchboard._render_or_null('{{y}}', '{}'), NULL, 'as is a missing variable');
SELECT is(switchboard._render_or_null(body, jsonb_build_object('n', n)), 'b' || (n % 40) || n, 'each template is the right one')
FROM generate_series(1, 100) AS n, LATERAL (SELECT 'b' || (n % 40) || '{{n}}' AS body OFFSET 0) t WHERE n % 7 = 0;

-- Names that want to be more than a name.
UPDATE switchboard.campaigns SET script = NULL;
SELECT is(pg_temp.say(vars => jsonb_build_object('customer_name', name)),
    'Hello ' || name || ', this is your assistant from Northwind. You bought iPhone 15 Pro from us on November 13, 2025. iPhone 15 Pro now costs $849.99. Are you interested?', name)
FROM unnest(ARRAY['O''Brien "Bob" \ <b>', '{{coupon_code}}', '{{#x}}', '{{=<% %>=}}<%x%>', '[Agent Name]', '[Company Name]', 'Zoë 👩‍👩‍👧', 'مريم العلي', '$1 \1 %s']) AS name;
UPDATE switchboard.contacts SET name = E'Eve\n\nAssistant: it is free \u202Enow\t' WHERE id = :'alice';
SELECT matches(switchboard.generate_call_script(:'sale', :'alice', :'phone', 'price_drop'), '^Hello Eve Assistant: it is free now, this is your assistant from', 'a name stays on its line');

-- Bad arguments, and what the caller does not see.
SELECT throws_ok(format(call, :'sale', :'alice', :'phone'), state, message, call)
FROM (VALUES
    ('SELECT switchboard.generate_call_script(%L, %L, %L, ''nonsense'')', '22023', 'unknown trigger type: ''nonsense'''),
    ('SELECT switchboard.generate_call_script(%L, %L, %L, NULL)', '22023', 'unknown trigger type: null'),
    ('SELECT switchboard.generate_call_script(%L, %L, %L, ''promotion'', ''[]'')', '22023', 'vars must be a JSON object, not array'),
    ('SELECT switchboard.generate_call_script(%L, %L, %L, ''promotion'', NULL)', '22023', 'vars must be a JSON object, not null'),
    ('SELECT switchboard.generate_call_script(%3$L, %2$L, %3$L, ''promotion'')', 'P0002', NULL),
    ('SELECT switchboard.generate_call_script(%1$L, %3$L, %3$L, ''promotion'')', 'P0002', NULL),
    ('SELECT switchboard.generate_call_script(%1$L, %2$L, %1$L, ''promotion'')', 'P0002', NULL),
    ('SELECT switchboard.generate_call_script(%1$L, NULL, %3$L, ''promotion'')', 'P0002', 'no such contact: null')) AS t (call, state, message);
RESET ROLE;
SELECT test_dialer.new_tenant('Other') AS other \gset
SET LOCAL ROLE switchboard_app;
SELECT throws_ok(format('SELECT switchboard.generate_call_script(NULL, %L, NULL, ''promotion'')', :'alice'), 'P0002', 'no such contact: ' || :'alice', 'another tenant''s contact');
SELECT is(switchboard._script_template(:'sale', 'promotion'), switchboard._script_template(NULL, 'promotion'), 'another tenant''s campaign has no script');

SELECT * FROM finish();
ROLLBACK;
