# Running commands so that an interrupt ends all of them at once, and cleaning up after everything.

WORK=''
CHILD=''

prepare_work_directory() {
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/auth-service-test.XXXXXX")
  # The servers run as another user, who must be able to pass through.
  chmod 0711 "$WORK"
}

# Runs a command in a process group of its own and waits for it. An interrupt then reaches the
# command with all its children, and this shell without waiting for the command to end.
attend() {
  local status=0
  set -m
  "$@" &
  CHILD=$!
  set +m
  wait "$CHILD" || status=$?
  CHILD=''
  return "$status"
}

# Runs a command, showing its output and keeping it in the file $1.
logged() {
  local log=$1
  shift
  "$@" 2>&1 | tee "$log"
}

# Runs a command for at most $1 seconds, where the system can.
bounded() {
  local seconds=$1
  shift
  if command -v timeout >/dev/null; then
    timeout "$seconds" "$@"
  else
    "$@"
  fi
}

interrupted() {
  trap '' INT TERM
  printf '\ninterrupted by SIG%s: stopping everything\n' "$1" >&2
  exit "$2"
}

# Ends the process group $1: politely, and after five seconds by force.
end_group() {
  kill -TERM -- "-$1" 2>/dev/null || return 0
  for _ in {1..100}; do
    kill -0 -- "-$1" 2>/dev/null || return 0
    sleep 0.05
  done
  kill -KILL -- "-$1" 2>/dev/null || true
}

stop_servers() {
  stop_redis
  stop_postgres
}

# Runs once, however the script ends.
clean_up() {
  trap - EXIT
  [[ -z "$CHILD" ]] || end_group "$CHILD"
  stop_servers
  restore_service_policy
  rm -rf -- "$WORK"
}

# Runs a command as a user without privileges, from a directory that user may enter: PostgreSQL
# refuses to run as root, and Redis has no need to.
unprivileged() {
  if [[ "$(id -u)" -ne 0 ]]; then
    (cd "$WORK" && "$@")
  else
    (cd "$WORK" && runuser -u "$(server_user)" -- "$@")
  fi
}

# Names the user that the servers run as.
server_user() {
  if [[ "$(id -u)" -ne 0 ]]; then
    id -un
  elif id postgres >/dev/null 2>&1; then
    echo postgres
  else
    echo nobody
  fi
}

# Makes a directory of the servers' user alone.
server_directory() {
  mkdir -p "$1"
  chmod 0700 "$1"
  [[ "$(id -u)" -ne 0 ]] || chown "$(server_user)" "$1"
}

# Whether something listens on the loopback port $1.
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints a loopback port on which nothing listens now. It may be taken a moment later, so whoever
# starts something on it tries again with another.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    answers "$port" || break
  done
  echo "$port"
}
