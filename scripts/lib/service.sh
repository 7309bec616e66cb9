# The service as a process of its own, for measurements. After start_service, PUBLIC_PORT and ADMIN_PORT
# say where it is, and KEY opens the admin door.

SERVICE=''
KEY=''

# Builds the service and the load generator: as they are released, or as PROFILE says.
build_service() {
  PROFILE=${PROFILE:-release}
  BUILT=${CARGO_TARGET_DIR:-target}/$PROFILE
  local profile=$PROFILE
  [[ "$profile" != debug ]] || profile=dev
  attend cargo build --profile "$profile" --bin auth-service
  attend cargo build --profile "$profile" --package loadtests
}

# Starts it on an empty store, with limits that stand aside: one machine plays everybody, each from a
# network of its own, which the service believes of this machine alone.
start_service() {
  local log="$WORK/service.log"
  export RATE_LIMIT_RPS=1000000 RATE_LIMIT_BURST=1000000 TRUSTED_PROXIES=127.0.0.0/8
  export LOG_FORMAT=json
  PUBLIC_PORT=$(free_port)
  ADMIN_PORT=$(free_port)
  GRPC_PORT=$(free_port)
  export PUBLIC_PORT ADMIN_PORT GRPC_PORT
  DATA_DIR=$(mktemp -d "$WORK/data.XXXXXX")
  export DATA_DIR
  "$BUILT/auth-service" >"$log" 2>&1 &
  SERVICE=$!
  await_ready || {
    say 'the service does not get ready:'
    tail -n 20 "$log"
    return 1
  }
  await_key "$log" || {
    say 'the service prints no key for its admin door'
    return 1
  }
}

# It is printed once the doors are open, at the first start.
await_key() {
  local _
  for _ in {1..100}; do
    KEY=$(sed -n "s/.*x-api-key: \([^']*\)'.*/\1/p" "$1" | head -n 1)
    [[ -z "$KEY" ]] || return 0
    sleep 0.1
  done
  return 1
}

stop_service() {
  local status=0
  kill "$SERVICE"
  wait "$SERVICE" || status=$?
  SERVICE=''
  return "$status"
}

await_ready() {
  local _
  for _ in {1..300}; do
    if is_ready; then return 0; fi
    sleep 0.1
  done
  return 1
}

is_ready() (
  exec 3<>"/dev/tcp/127.0.0.1/$PUBLIC_PORT" || exit 1
  printf 'GET /ready HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
  IFS= read -r line <&3
  [[ "$line" == *' 200 '* ]]
) 2>/dev/null

# Starts a private PostgreSQL that syncs what it commits, and has the service use it.
use_postgres() {
  POSTGRES_DURABLE=yes
  start_postgres || return 1
  POSTGRES_HOST=127.0.0.1
  POSTGRES_PORT=$(word_of port)
  POSTGRES_USER=$(word_of user)
  POSTGRES_PASSWORD=$(word_of password)
  POSTGRES_DB=postgres
  export POSTGRES_HOST POSTGRES_PORT POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB
}

# Takes a word such as "port=…" out of what TEST_POSTGRES says.
word_of() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" <<<"$TEST_POSTGRES"; }
