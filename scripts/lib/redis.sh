# A private Redis. After start_redis, TEST_REDIS says how to reach it, and TEST_REDIS_SERVER which
# program the tests that stop and start servers of their own are to run.

REDIS_OLDEST=7
REDIS_PROGRAM=''
REDIS_VERSION=''

start_redis() {
  if ! find_redis; then
    install_package redis-server || true
    find_redis || {
      did_not_run Redis "no Redis $REDIS_OLDEST or newer found or installed"
      return 1
    }
  fi
  server_directory "$WORK/redis"
  local port attempt
  for attempt in 1 2 3 4 5; do
    port=$(free_port)
    if launch_redis "$port"; then
      export TEST_REDIS="127.0.0.1:$port" TEST_REDIS_SERVER=$REDIS_PROGRAM
      say "Redis $REDIS_VERSION on 127.0.0.1:$port (attempt $attempt)"
      return 0
    fi
    stop_redis
  done
  did_not_run Redis 'it does not start'
  tail -n 20 "$WORK/redis/log" || true
  return 1
}

find_redis() {
  local program version
  program=$(command -v redis-server) || return 1
  version=$("$program" --version | sed 's/.* v=\([0-9.]*\).*/\1/')
  [[ "${version%%.*}" -ge "$REDIS_OLDEST" ]] || return 1
  REDIS_PROGRAM=$program
  REDIS_VERSION=$version
}

# Starts it on port $1 and waits until it answers. It detaches itself, so that an interrupt at the
# terminal reaches it only through clean_up, after the tests that use it have ended.
launch_redis() {
  unprivileged "$REDIS_PROGRAM" --bind 127.0.0.1 --port "$1" --dir "$WORK/redis" \
    --save '' --appendonly no --daemonize yes \
    --pidfile "$WORK/redis/pid" --logfile "$WORK/redis/log" >/dev/null || return 1
  for _ in {1..100}; do
    # The file with its process id shows that it is ours which answers, not a stranger's.
    if [[ -s "$WORK/redis/pid" ]] && answers "$1"; then
      return 0
    fi
    sleep 0.05
  done
  return 1
}

stop_redis() {
  local process
  [[ -s "$WORK/redis/pid" ]] || return 0
  process=$(<"$WORK/redis/pid")
  kill -TERM "$process" 2>/dev/null || true
  for _ in {1..100}; do
    kill -0 "$process" 2>/dev/null || break
    sleep 0.05
  done
  kill -KILL "$process" 2>/dev/null || true
  rm -f "$WORK/redis/pid"
}
