\echo Use "CREATE EXTENSION pg_switchboard" to load this file. \quit
SET LOCAL search_path TO pg_catalog, pg_temp;
SET LOCAL check_function_bodies TO off;
