# Installing what is missing, by package name, without letting the distribution start its services.

SERVICE_POLICY=/usr/sbin/policy-rc.d
POLICY_IS_OURS=''

# Runs a command as root: directly, or by sudo, which may ask for a password only at a terminal.
privileged() {
  if [[ "$(id -u)" -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    if [[ -t 0 ]]; then sudo "$@"; else sudo -n "$@"; fi
  else
    say "neither root nor sudo: cannot run $1" >&2
    return 1
  fi
}

# Installs the Debian package $1.
install_package() {
  if ! command -v apt-get >/dev/null; then
    say "$1 is not installed, and there is no apt-get to install it with"
    return 1
  fi
  say "$1 is not installed: installing the package $1 (its services are not started)"
  forbid_services || return 1
  local status=0
  {
    privileged env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
      privileged env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$1"
  } || status=$?
  restore_service_policy
  return "$status"
}

# Tells package scripts not to start any service (exit 101), unless the machine has a policy.
forbid_services() {
  [[ ! -e "$SERVICE_POLICY" ]] || return 0
  printf '#!/bin/sh\nexit 101\n' >"$WORK/policy-rc.d"
  privileged install -m 0755 "$WORK/policy-rc.d" "$SERVICE_POLICY" || return 1
  POLICY_IS_OURS=yes
}

restore_service_policy() {
  [[ -n "$POLICY_IS_OURS" ]] || return 0
  privileged rm -f "$SERVICE_POLICY"
  POLICY_IS_OURS=''
}
