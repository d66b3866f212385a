#!/bin/sh
# Gives each module a schema in the one database and a role of its own, named in its connection
# URL. No role has any right on another schema. Does nothing where they exist, so it also
# serves a module that was added later.
#
# usage: databases.sh FILE ...   each file holds postgresql://ROLE:PASSWORD@HOST[:PORT]/DATABASE;
# the schema is named like the role
# The connection to the server comes from PGHOST, PGPORT, PGUSER and PGPASSWORD.
set -eu

part() { sed -E "s|^postgresql://([^:]+):([^@]+)@[^/]+/([^?]+).*|\\$1|" "$2"; }

for file in "$@"; do
    migration=$file
    psql --no-psqlrc --quiet --dbname=postgres \
        --set=ON_ERROR_STOP=1 \
        --set=owner="$(part 1 "$migration")" \
        --set=owner_password="$(part 2 "$migration")" \
        --set=role="$(part 1 "$file")" \
        --set=password="$(part 2 "$file")" \
        --set=database="$(part 3 "$file")" <<'SQL'
SELECT DISTINCT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY[:'owner', :'role']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE :"owner" PASSWORD :'owner_password';
ALTER ROLE :"role" PASSWORD :'password';
SELECT format('CREATE DATABASE %I', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"owner", :"role";
ALTER ROLE :"owner" IN DATABASE :"database" SET search_path = :"role";
ALTER ROLE :"role" IN DATABASE :"database" SET search_path = :"role";
\connect :"database"
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SELECT format('CREATE SCHEMA %I AUTHORIZATION %I', :'role', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = :'role') \gexec
SELECT quote_ident(rolname) AS former, rolname <> :'owner' AND NOT rolsuper AS changes_hands
FROM pg_namespace JOIN pg_roles ON pg_roles.oid = nspowner WHERE nspname = :'role' \gset
\if :changes_hands
REASSIGN OWNED BY :former TO :"owner";
\endif
GRANT USAGE ON SCHEMA :"role" TO :"role";
SQL
done
