# Functions for batch scripts: start a run, hand the scheduler's warning on, come back if it can go on.

# output_of ARGUMENTS...: the value of --output among them, if any
output_of() {
  local word previous="" found=""
  for word in "$@"; do
    case $word in --output=*) found=${word#*=} ;; --) break ;; esac
    [ "$previous" != --output ] || found=$word
    previous=$word
  done
  echo "$found"
}

# supervise COMMAND...: run it; pass on USR1 (time is nearly up) and TERM (cancelled) until it ends.
# Sets $code (its exit code) and $warned (the signal that came, or empty).
supervise() {
  local pid
  warned=""
  trap 'warned=USR1' USR1
  trap 'warned=TERM' TERM
  # the ranks begin with USR1 ignored: it may come before Python has installed its handler
  ( trap '' USR1; exec "$@" ) & pid=$!
  while kill -0 $pid 2>/dev/null; do
    if [ -n "$warned" ]; then
      kill -"$warned" $pid 2>/dev/null
      sleep 5 &       # say it again: the first may have come too early
      wait -n $pid $!
    else
      wait $pid
    fi
    code=$?
  done
  wait $pid 2>/dev/null
  code=$?
}

# go_on RUN BEFORE: put this job back into the queue if RUN stopped early and has got further than
# BEFORE (what STATUS said when the job started): a run that gets nowhere must not come back for ever.
go_on() {
  local status
  status=$(cat "$1/STATUS" 2>/dev/null)
  echo "$(date '+%F %T') $1: ${status:-no STATUS}"
  case $status in
    finished*) exit 0 ;;
    resume*) ;;
    *) exit $((code ? code : 1)) ;;
  esac
  if [ "$warned" = TERM ]; then exit 75; fi
  if [ "$status" = "$2" ]; then echo "no step was made in this time limit: not put back" >&2; exit 75; fi
  scontrol requeue "$job" || exit 75
  sleep 60       # the scheduler ends this script
}
