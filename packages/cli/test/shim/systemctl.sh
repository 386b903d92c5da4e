#!/bin/sh
# A service manager with what the tests need of one: real processes, started with what their drop-ins say.
# $FAULT: "stop" or "start" fails; the service "lingers" when it should stop, "idles" when it should start, or is started
# "bare" of what its drop-ins say. $STATE: where it keeps its notes.
state=${STATE:-/run/test-services}
mkdir -p "$state"
echo "$*" >> "$state/log"
[ "$1" = --no-block ] && shift
verb=$1
for name; do :; done
running() { [ -s "$state/$name" ] && kill -0 "$(cat "$state/$name")" 2> /dev/null; }
stop() {
  running || return 0
  kill "$(cat "$state/$name")"
  while running; do sleep 0.05; done
}
start() {
  set --
  if [ "$FAULT" != bare ] && [ -e "/etc/systemd/system/$name.d" ]; then
    eval "set -- $(sed -n 's/^Environment=//p' "/etc/systemd/system/$name.d"/*.conf | tr '\n' ' ')"
  fi
  setsid env "$@" sleep 1000 < /dev/null > /dev/null 2>&1 &
  echo $! > "$state/$name"
}
case $verb in
  daemon-reload) ;;
  show)
    loaded=not-found
    [ "$name" = test.service ] && loaded=loaded
    active=inactive pid=0
    if running; then active=active pid=$(cat "$state/$name"); fi
    printf 'LoadState=%s\nActiveState=%s\nMainPID=%s\nEnvironment=%s\n' "$loaded" "$active" "$pid" \
      "$(cat "$state/environment" 2> /dev/null)"
    ;;
  stop)
    [ "$FAULT" = stop ] && exit 1
    [ "$FAULT" = lingers ] && exit 0
    stop
    ;;
  start)
    [ "$FAULT" = start ] && exit 1
    [ "$FAULT" = idles ] && exit 0
    running || start
    ;;
  restart)
    # The unit of the dead-man's switch is one for a real service manager.
    [ "$name" = test.service ] || exit 1
    stop
    start
    ;;
esac
