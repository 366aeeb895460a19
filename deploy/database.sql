-- Roles and database, as a superuser of PostgreSQL 14 or newer:
--   sudo --preserve-env=OWNER_PASSWORD,PASSWORD -u postgres psql postgres < deploy/database.sql
-- May be run again for another database, such as a restored one: psql -v database=wfpush_restored …; roles that exist
-- keep their passwords where none is given.
-- wfpush_owner owns the tables: for `manage.py migrate` alone. wfpush reads and writes rows: for web, worker and all else.
\set ON_ERROR_STOP on
\if :{?database}
\else
\set database wfpush
\endif
-- By the environment: other users of the machine see a program's arguments.
\set owner_password `printf %s "$OWNER_PASSWORD"`
\set password `printf %s "$PASSWORD"`
SELECT :'owner_password' <> '' AS owner_has_one, :'password' <> '' AS has_one,
    (SELECT string_agg(variable, ' and ' ORDER BY variable)
     FROM (VALUES ('OWNER_PASSWORD', 'wfpush_owner', :'owner_password'), ('PASSWORD', 'wfpush', :'password'))
          AS given(variable, role, password)
     WHERE password = '' AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)) AS lacking \gset
\if :{?lacking}
\set VERBOSITY terse
SELECT format('DO $$ BEGIN RAISE EXCEPTION USING MESSAGE = %L; END $$', 'Nothing was made: export ' || :'lacking'
    || ' and run it again (sudo drops variables: sudo --preserve-env=OWNER_PASSWORD,PASSWORD -u postgres psql postgres'
    || ' < deploy/database.sql).') \gexec
\endif

SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION', name)
FROM unnest(ARRAY['wfpush_owner', 'wfpush']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
\if :owner_has_one
ALTER ROLE wfpush_owner PASSWORD :'owner_password';
\endif
\if :has_one
ALTER ROLE wfpush PASSWORD :'password';
\endif
-- A statement whose process was killed ends within seconds. It would go on to its end.
ALTER ROLE wfpush SET client_connection_check_interval = '5s';

CREATE DATABASE :"database" OWNER wfpush_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO wfpush;

\connect :"database"
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO wfpush_owner;
GRANT USAGE ON SCHEMA public TO wfpush;
ALTER DEFAULT PRIVILEGES FOR ROLE wfpush_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO wfpush;
ALTER DEFAULT PRIVILEGES FOR ROLE wfpush_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO wfpush;
