# A private PostgreSQL. After start_postgres, TEST_POSTGRES says how to reach it.

POSTGRES_OLDEST=15
POSTGRES_BIN=''
POSTGRES_VERSION=''
POSTGRES_STARTED=''

start_postgres() {
  if ! find_postgres; then
    install_package postgresql || true
    find_postgres || {
      did_not_run PostgreSQL "no PostgreSQL $POSTGRES_OLDEST or newer found or installed"
      return 1
    }
  fi
  local password
  password=$(head -c 18 /dev/urandom | base64 | tr -d '+/=')
  make_cluster "$password" || {
    did_not_run PostgreSQL 'initdb failed'
    return 1
  }
  local port attempt
  for attempt in 1 2 3 4 5; do
    port=$(free_port)
    if launch_postgres "$port"; then
      export TEST_POSTGRES="host=127.0.0.1 port=$port user=postgres password=$password"
      say "PostgreSQL $POSTGRES_VERSION on 127.0.0.1:$port (attempt $attempt)"
      return 0
    fi
  done
  did_not_run PostgreSQL 'it does not start'
  tail -n 20 "$WORK/postgres/log" || true
  return 1
}

# Finds the newest binaries that are new enough.
find_postgres() {
  local directory version
  while IFS= read -r directory; do
    [[ -x "$directory/initdb" && -x "$directory/postgres" && -x "$directory/pg_ctl" ]] || continue
    version=$("$directory/postgres" --version | sed 's/^[^0-9]*//; s/[^0-9.].*//')
    [[ "${version%%.*}" -ge "$POSTGRES_OLDEST" ]] || continue
    POSTGRES_BIN=$directory
    POSTGRES_VERSION=$version
    return 0
  done < <(postgres_directories)
  return 1
}

postgres_directories() {
  local found
  if found=$(command -v pg_ctl); then dirname "$found"; fi
  for found in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin; do
    echo "$found"
  done | sort -rV
}

make_cluster() {
  server_directory "$WORK/postgres"
  printf '%s\n' "$1" | unprivileged tee "$WORK/postgres/password" >/dev/null
  unprivileged "$POSTGRES_BIN/initdb" --pgdata="$WORK/postgres/data" --username=postgres \
    --pwfile="$WORK/postgres/password" --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C --no-sync >"$WORK/initdb.log" 2>&1 || {
    cat "$WORK/initdb.log"
    return 1
  }
}

# Starts it on port $1. What tests write need not survive a power cut, so nothing is synced; a
# measurement sets POSTGRES_DURABLE.
launch_postgres() {
  local options="-c listen_addresses=127.0.0.1 -c port=$1 -c unix_socket_directories=''"
  options+=' -c max_connections=300'
  [[ -n "${POSTGRES_DURABLE:-}" ]] || options+=' -c fsync=off -c full_page_writes=off'
  POSTGRES_STARTED=yes
  unprivileged "$POSTGRES_BIN/pg_ctl" start --silent --wait --timeout=60 \
    --pgdata="$WORK/postgres/data" --log="$WORK/postgres/log" --options="$options" \
    >/dev/null 2>&1
}

stop_postgres() {
  [[ -n "$POSTGRES_STARTED" ]] || return 0
  POSTGRES_STARTED=''
  unprivileged "$POSTGRES_BIN/pg_ctl" stop --silent --mode=immediate --wait \
    --pgdata="$WORK/postgres/data" >/dev/null 2>&1 || true
}
