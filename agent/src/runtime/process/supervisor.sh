#!/bin/sh
# Runs one command so that it outlives the agent, and keeps what must not be lost: its output and its exit status.
#
#   supervisor.sh supervise RUN_FOLDER LOGS_FOLDER RUN SEGMENT_BYTES DIRECTORY UID GID COMMAND [ARGUMENT…]
#   supervisor.sh enter DIRECTORY COMMAND [ARGUMENT…]
#
# UID and GID are empty where the command runs as the agent's own user. Command and arguments are only ever passed on
# as positional parameters. The environment comes as a script on descriptor 4, so that it is in no argument list;
# descriptor 3 takes one line: "ready", or why the command can't run.
#
# In RUN_FOLDER, each written once: claim/, supervisor and process (lines of /proc/PID/stat: the id of a process and
# when it started), entry (descriptor 3), exit (the exit code), drained (all output is in its files).

set -u

main() {
  mode=$1
  shift
  case $mode in
    supervise) supervise "$@" ;;
    enter) enter "$@" ;;
    *) exit 64 ;;
  esac
}

supervise() {
  folder=$1 logs=$2 run=$3 segment_bytes=$4 directory=$5 user=$6 group=$7
  shift 7
  umask 077
  # Two supervisors of one run would be two workloads: the first one has it.
  mkdir "$folder/claim" 2>/dev/null || exit 0
  read -r own </proc/self/stat
  printf '%s\n' "$own" >"$folder/supervisor"
  if ! mkfifo "$folder/stdout" "$folder/stderr"; then
    echo 'Could not make the pipes for its output; see whether the file system is full' >"$folder/entry"
    finish 127
    exit 1
  fi
  # A workload of another user may open /dev/stdout again; nobody else reaches the folder.
  chmod 0622 "$folder/stdout" "$folder/stderr"
  write_segments stdout <"$folder/stdout" &
  write_segments stderr <"$folder/stderr" &
  # A subshell in the foreground: one in the background would ignore SIGINT and SIGQUIT for ever.
  (
    read -r own </proc/self/stat
    printf '%s\n' "$own" >"$folder/process"
    exec 3>"$folder/entry" 4<"$folder/environment"
    umask 022
    [ -z "$user" ] && enter "$directory" "$@"
    exec setpriv --reuid "$user" --regid "$group" --init-groups -- /bin/sh "$0" enter "$directory" "$@"
  ) >"$folder/stdout" 2>"$folder/stderr" </dev/null
  finish "$?"
  wait
  rm -f "$folder/stdout" "$folder/stderr"
  : >"$folder/drained"
}

# Into a file that has its room on the disk already, then in one step to its name.
finish() {
  printf '%3d\n' "$1" 1<>"$folder/exit.prepared"
  mv "$folder/exit.prepared" "$folder/exit"
}

# Files of at most segment_bytes, written at once, in order, with no agent needed. When the disk is full, output is
# dropped for some seconds at a time: a workload neither hangs nor dies of its output.
write_segments() {
  attempt=100000
  while ! split -b "$segment_bytes" -d -a 9 - "$logs/$1.$run.$attempt."; do
    attempt=$((attempt + 1))
    timeout 5 cat >/dev/null && return
  done 2>/dev/null
}

# Becomes the command, in a session of its own, under the id of this process.
enter() {
  directory=$1
  shift
  [ -e "$directory" ] || refuse "Could not find the working directory \"$directory\""
  # shellcheck disable=SC2164 # refuse exits
  cd "$directory" 2>/dev/null || refuse "Could not enter the working directory \"$directory\" as user \"$(id -un)\""
  # From here on only positional parameters: the environment may have variables of any name.
  set -- "$(command -v setsid)" "$@"
  eval "$(cat <&4)"
  (check "$2") || exit 127
  echo ready >&3
  exec "$@" 3>&- 4<&-
}

check() {
  case $1 in
    */*) check_file "$1" "$1" ;;
  esac
  set -f
  IFS=:
  denied=''
  for folder in ${PATH-}; do
    [ -f "$folder/$1" ] || continue
    [ -x "$folder/$1" ] && exit 0
    denied="$folder/$1"
  done
  [ -z "$denied" ] || check_file "$denied" "$1"
  refuse "Could not find the command \"$1\" in PATH \"${PATH-}\""
}

check_file() {
  [ -e "$1" ] || refuse "Could not find the command \"$2\""
  [ -f "$1" ] || refuse "Could not run the command \"$2\": it is not a file"
  [ -x "$1" ] || refuse "Could not run the command \"$2\" as user \"$(id -un 2>/dev/null)\": it is not allowed to execute \"$1\""
  exit 0
}

refuse() {
  printf '%s\n' "$1" >&3
  exit 127
}

# The whole script is read before it starts, so that a newer one in its place can't disturb it.
main "$@"
exit
