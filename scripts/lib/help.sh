# Answers `--help` with what a script says of itself at its beginning; for every other word it does nothing.

case ${1:-} in
  -h | --help)
    sed -n '3,/^$/s/^# \{0,1\}//p' "scripts/${0##*/}"
    exit 0
    ;;
esac
