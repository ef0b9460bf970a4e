-- Exceptions and server errors: what becomes of them, and that they leave nothing behind (B2, B3, B4, B8, B9).
SELECT plan(43);

-- B8: each kind of exception has its code, and keeps its text.
SELECT is((error_of($$SELECT sb_throw('runtime_error')$$)).sqlstate, 'XX000', 'a standard exception is an internal error');
SELECT is((error_of($$SELECT sb_throw('runtime_error')$$)).message, 'broken on purpose', 'with its text');
SELECT is((error_of($$SELECT sb_throw('logic_error')$$)).sqlstate, 'XX000', 'so is a logic error');
SELECT is((error_of($$SELECT sb_throw('no text')$$)).message, 'exception without text', 'an exception without text says so');
SELECT is((error_of($$SELECT sb_throw('int')$$)).message, 'unknown exception', 'a thrown number is an error, not a crash');
SELECT is((error_of($$SELECT sb_throw('nested')$$)).message, 'outer', 'nested exceptions show the outer one');
SELECT is((error_of($$SELECT sb_throw('percent')$$)).message, '100%s %n of it', 'a text is no format');
SELECT is(length((error_of($$SELECT sb_throw('long')$$)).message), 100000, 'a long text is not cut');
SELECT is((error_of($$SELECT sb_throw('umlaut')$$)).message, U&'caf\00E9', 'a text is UTF-8');
SELECT is((error_of($$SELECT sb_throw('domain')$$)).sqlstate, 'SB001', 'a domain error has its own code');
SELECT is((error_of($$SELECT sb_throw('domain')$$)).message, 'not a phone number: "x"', 'message');
SELECT is((error_of($$SELECT sb_throw('domain')$$)).hint, 'Write a number.', 'hint');
SELECT is((error_of($$SELECT sb_throw('domain')$$)).detail, 'It is a letter.', 'and detail');
SELECT is((error_of($$SELECT sb_throw('bad sqlstate')$$)).sqlstate, 'XX000', 'a code that is none becomes an internal error');
SELECT is((error_of($$SELECT sb_throw('bad_alloc')$$)).sqlstate, '53200', 'bad_alloc is out of memory');
SELECT is((error_of($$SELECT sb_throw('bad_alloc')$$)).message, 'out of memory', 'and says so');
SELECT is((error_of($$SELECT sb_allocate_too_much()$$)).sqlstate, '53200', 'so is really asking for too much');

-- B3, B4: nothing is alive, nothing is being handled.
SELECT is(sb_live(), 0, 'every object was destroyed');
SELECT is(sb_handling(), false, 'no exception is being handled any more');

-- B4: the guard puts back what it moved.
SELECT ok(sb_guard_restores(), 'stacks and memory context are restored after a caught error');
SELECT ok(sb_guard_survives_throw(), 'even when a guarded call throws');
SELECT is((error_of('SELECT sb_raise_at_depth(5)')).sqlstate, '22012', 'an error passes guarded frames on all levels');
SELECT matches((error_of('SELECT sb_raise_at_depth(2)')).context,
    E'^a callback of the raising call\nPL/pgSQL function error_of[^\n]*\nlevel 1\nlevel 2$|^a callback of the raising call\n(.*\n)*level 1\nlevel 2$',
    'context lines keep their order');
SELECT is(regexp_count((error_of('SELECT sb_raise_at_depth(2)')).context, 'a callback of the raising call'), 1,
    'and are not doubled on the way');
SELECT is(sb_live(), 0, 'all levels were unwound');

-- B8: fidelity of a server error, field by field.
CREATE TEMP TABLE fields AS SELECT (error_of('SELECT sb_raise_every_field()')).*;
SELECT is((SELECT sqlstate FROM fields), 'SB007', 'code');
SELECT is((SELECT message FROM fields), 'limit reached: 7', 'message');
SELECT is((SELECT detail FROM fields), 'The detail.', 'detail');
SELECT is((SELECT hint FROM fields), 'The hint.', 'hint');
SELECT matches((SELECT context FROM fields), '^the context', 'context');
SELECT is((SELECT schema_name || table_name || column_name || datatype_name || constraint_name FROM fields),
    'a_schemaa_tablea_columna_typea_constraint', 'and the names of what it is about');

-- Errors of SQL that C++ runs.
SELECT is((error_of($$SELECT sb_run('SELECT 1/0')$$)).sqlstate, '22012', 'an error of SQL keeps its code');
SELECT is((error_of($$SELECT sb_run('SELECT nope')$$)).message, 'column "nope" does not exist', 'and its message');
SELECT matches((error_of($$SELECT sb_run('SELECT 1/0')$$)).context, 'SQL statement "SELECT 1/0"', 'and its context');
SELECT matches((error_of($$SELECT sb_run_with_context('SELECT 1/0', 'while testing')$$)).context, 'while testing$',
    'to which C++ can add');
SELECT is((error_of($$SELECT sb_run_in_vain('SELECT sb_throw(''domain'')')$$)).message,
    'SB001|not a phone number: "x"|It is a letter.|Write a number.', 'C++ can read it all');
SELECT is((error_of(format('SELECT sb_run(%L)', format('SELECT sb_run(%L)', $$SELECT sb_throw('domain')$$)))).sqlstate, 'SB001',
    'an exception passes server and C++ frames in turn');
SELECT is(sb_run('SELECT 42'), '42', 'after all that SQL still runs');
SELECT is(sb_run('SELECT NULL'), NULL, 'NULL is NULL');
SELECT is(sb_run('SELECT 1 WHERE false'), NULL, 'no row is no value');
SELECT is(sb_live(), 0, 'nothing is left alive');
SELECT is(sb_handling(), false, 'and nothing is being handled');
SELECT ok(sb_guard_restores(), 'and the stacks are where they belong');

SELECT * FROM finish();
