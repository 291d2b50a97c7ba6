#!/bin/sh
# Run once by the database's first start: the role the application connects as owns nothing and steps over no wall.
set -eu
password=$(cat /run/secrets/application_password)
psql --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --set=ON_ERROR_STOP=1 --set=password="$password" <<'SQL'
CREATE ROLE carbonfin_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';
SQL
