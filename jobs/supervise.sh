# Functions for batch scripts: start a run, hand the scheduler's warning on, come back if it can go on.

# supervise COMMAND...: run it; USR1 (time is nearly up) and TERM (cancelled) are passed on until it ends.
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

# go_on RUN BEFORE: put this job back into the queue if RUN stopped early and has got further than BEFORE
# (what STATUS said when the job started). A run that gets nowhere in its time limit must not come back.
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
