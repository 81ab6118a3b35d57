#!/bin/bash
# Runs a command in the cgroups and namespaces of a unit's main process, and as the user that this process is.
#
#   enter-unit.sh session FOLDER GROUP PID CONTROL_GROUP DIRECTORY TERMINAL COMMAND…
#   enter-unit.sh check FOLDER GROUP PID CONTROL_GROUP DIRECTORY TERMINAL COMMAND…
#
# It is started as root by systemd, outside of the unit. Its standard input, output and error are the command's.
# FOLDER: root's own. In, for a session: "control", a FIFO that whoever wants the command holds open for writing; lines of
#   "COLUMNS ROWS" are new sizes of the terminal; the command ends when it is closed. Out: "exit", the exit code of the
#   command; "refused", why it was not run.
# GROUP: name of a cgroup below the unit's, of this command alone, so that nothing of it is left in the end.
# CONTROL_GROUP: the unit's; a process of another one has only the same number.
# TERMINAL: "COLUMNS ROWS", or empty for none.
# Variables CELL_EXEC_0, … hold "NAME=VALUE" for the command's environment, on top of the main process's. Nothing that the
# workload may have written is used before its privileges are all that is left.
set -u

folder=$2
group_name=$3
pid=$4
control_group=$5

readonly ended_tries_max=250 hang_up_tries_max=25 join_tries_max=5 remove_tries_max=25

# The place of a hierarchy, by its controllers as /proc/PID/cgroup names them, in REPLY.
place_of() {
  case $1 in
    '') if [[ -e /sys/fs/cgroup/unified/cgroup.procs ]]; then REPLY=/sys/fs/cgroup/unified; else REPLY=/sys/fs/cgroup; fi ;;
    name=*) REPLY=/sys/fs/cgroup/${1#name=} ;;
    *) REPLY=/sys/fs/cgroup/$1 ;;
  esac
}

# Where systemd keeps track of processes.
if [[ -e /sys/fs/cgroup/cgroup.procs || -e /sys/fs/cgroup/unified/cgroup.procs ]]; then tracking=; else tracking=name=systemd; fi
place_of "$tracking"
group=$REPLY$control_group/$group_name

refuse() {
  echo "$1" >"$folder/refused"
  exit 125
}

# An empty cgroup may be taken away again in between.
join_own_group() {
  local tries
  for ((tries = 0; tries < join_tries_max; tries += 1)); do
    mkdir -p "$group" && echo 0 >"$group/cgroup.procs" && return
  done
  return 1
} 2>/dev/null

# Whether the process in the current folder is one of the unit.
is_of_unit() {
  local line
  while IFS= read -r line; do
    line=${line#*:}
    [[ $line == "$tracking:$control_group" || $line == "$tracking:$control_group"/* ]] && return
  done <cgroup
  return 1
} 2>/dev/null

# Moves this process to where the process in the current folder is.
join_groups() {
  local line controllers path
  local -A own_paths
  local -a lines
  is_of_unit || refuse 'its main process has ended'
  while IFS= read -r line; do
    line=${line#*:}
    own_paths[_${line%%:*}]=${line#*:}
  done </proc/self/cgroup
  join_own_group || refuse 'its cgroup can not be entered'
  mapfile -t lines <cgroup 2>/dev/null
  for line in "${lines[@]}"; do
    line=${line#*:}
    controllers=${line%%:*}
    path=${line#*:}
    [[ $controllers == "$tracking" || $path == "${own_paths[_$controllers]-}" ]] && continue
    place_of "$controllers"
    # One that is not mounted limits nothing here.
    [[ -d $REPLY ]] || continue
    echo 0 >"$REPLY$path/cgroup.procs" 2>/dev/null || refuse "its cgroup of \"$controllers\" can not be entered"
  done
}

# Names of the capabilities in a mask of hexadecimal digits, as setpriv takes them, in REPLY.
capabilities_of() {
  local mask=$((16#$1)) number
  REPLY=-all
  for ((number = 0; number < 63; number += 1)); do
    if ((mask >> number & 1)); then REPLY+=,+cap_$number; fi
  done
}

# Whether only root can have made its namespace of users: nobody else can map root into one. Who makes one can make a
# namespace of mounts, too, with programs of his own in it, and these would be run with the rights of root.
is_of_root() {
  local inside outside count
  while read -r inside outside count; do
    if [[ $outside == 0 ]]; then return; fi
  done <uid_map
  return 1
}

# Becomes what the process in the current folder is. Arguments: DIRECTORY COMMAND…
become() {
  local key value rest
  local -A status
  while read -r key value rest; do status[${key%:}]=$value${rest:+ $rest}; done <status
  [[ -n ${status[Uid]-} ]] || refuse 'its main process has ended'
  exec 3<environ || refuse 'its main process has ended'

  # Of what is opened here, not of what will be there when it is entered: the process may make namespaces meanwhile.
  { exec 11<ns/mnt 12<ns/uts 13<ns/ipc 14<ns/net 15<ns/pid 16<ns/cgroup 17<ns/user; } 2>/dev/null ||
    refuse 'its main process has ended'
  local -a namespaces=() outer=() inner=(/usr/bin/setpriv)
  local name
  for name in 11:mnt:mount 12:uts:uts 13:ipc:ipc 14:net:net 15:pid:pid 16:cgroup:cgroup; do
    IFS=: read -r key rest value <<<"$name"
    [[ /proc/self/fd/$key -ef /proc/self/ns/$rest ]] || namespaces+=("--$value=/proc/self/fd/$key")
  done
  local -a groups=(--clear-groups)
  if [[ -n ${status[Groups]-} ]]; then groups=(--groups "${status[Groups]// /,}"); fi
  if [[ /proc/self/fd/17 -ef /proc/self/ns/user ]]; then
    inner+=("${groups[@]}")
  else
    is_of_root || refuse 'its main process is in a user namespace that the workload has made: it can not be trusted'
    # In a namespace of users of its own nobody may change groups.
    outer=(/usr/bin/setpriv "${groups[@]}")
    namespaces+=(--user=/proc/self/fd/17 --preserve-credentials)
    inner+=(--keep-groups)
  fi
  ((${#namespaces[@]} == 0)) || outer+=(/usr/bin/nsenter "${namespaces[@]}")
  # From a namespace of users there is no way back: it was in none of its own when the others were opened, either.
  [[ ns/user -ef /proc/self/fd/17 ]] || refuse 'its main process is about to make a user namespace'
  read -r key rest <<<"${status[Uid]}"
  read -r value rest <<<"${status[Gid]}"
  inner+=(--reuid "$key" --regid "$value")
  capabilities_of "${status[CapBnd]}" && inner+=(--bounding-set "$REPLY")
  capabilities_of "${status[CapInh]}" && inner+=(--inh-caps "$REPLY")
  capabilities_of "${status[CapAmb]}" && inner+=(--ambient-caps "$REPLY")
  if [[ ${status[NoNewPrivs]-0} == 1 ]]; then inner+=(--no-new-privs); fi
  umask "${status[Umask]-0022}"
  # The text goes along: the workload need not see this file.
  exec "${outer[@]}" "${inner[@]}" -- /bin/bash --norc -c "$(declare -f begin); begin \"\$@\"" cell-exec "$@"
}

# Runs the command, with the user's rights alone, in the environment that the main process was started with.
begin() {
  cd -- "$1" || exit 126
  shift
  local -a _cell_values
  local _cell_value
  mapfile -d '' -t _cell_values <&3
  exec 3<&- 11<&- 12<&- 13<&- 14<&- 15<&- 16<&- 17<&-
  for _cell_value in "${!CELL_EXEC_@}"; do _cell_values+=("${!_cell_value}"); done
  for _cell_value in $(compgen -e); do unset "$_cell_value"; done
  # A shell whose input is a socket takes itself for one of rshd, and reads files that it should not, but inside of another. `exec` takes one off.
  export SHLVL=2
  for _cell_value in "${_cell_values[@]}"; do
    if [[ $_cell_value =~ ^[A-Za-z_][A-Za-z0-9_]*= ]]; then export "$_cell_value"; fi
  done 2>/dev/null
  if [[ $1 != */* ]] && ! type -P -- "$1" >/dev/null; then
    echo "Could not find the command \"$1\"" >&2
    exit 127
  fi
  exec -- "$@"
}

# In a process of its own, which becomes the command. Arguments: DIRECTORY TERMINAL COMMAND…
enter() {
  local directory=$1 terminal=$2 columns rows
  shift 2
  # What is read from here on is of this very process, also if another one gets its number.
  cd "/proc/$pid" 2>/dev/null || refuse 'its main process has ended'
  if [[ -n $terminal ]]; then
    read -r columns rows <<<"$terminal"
    readlink /proc/self/fd/0 >"$folder/terminal"
    stty cols "$columns" rows "$rows"
    local user
    while read -r user columns rows; do
      if [[ $user == Uid: ]]; then chown "$columns" /proc/self/fd/0; fi
    done <status
  fi
  join_groups
  become "$directory" "$@"
}

# Whether processes of the command are there; their ids in the array REPLIES.
in_group() {
  REPLIES=()
  mapfile -t REPLIES <"$group/cgroup.procs"
  ((${#REPLIES[@]} > 0))
} 2>/dev/null

# What is left of the command hears that nobody listens any more, and is killed if that does not help.
end_group() {
  local tries
  if in_group; then kill -HUP "${REPLIES[@]}" 2>/dev/null && kill -CONT "${REPLIES[@]}" 2>/dev/null; fi
  for ((tries = 0; tries < $1; tries += 1)); do
    in_group || break
    sleep 0.02
  done
  for ((tries = 0; tries < ended_tries_max; tries += 1)); do
    in_group || break
    kill -KILL "${REPLIES[@]}" 2>/dev/null
    sleep 0.02
  done
  # Busy until the last process is collected by its parent.
  for ((tries = 0; tries < remove_tries_max; tries += 1)); do
    [[ -d $group ]] || break
    rmdir "$group" 2>/dev/null && break
    sleep 0.02
  done
}

# The same, also if the command has not got to its cgroup yet.
end_command() {
  local tries
  for ((tries = 0; tries < ended_tries_max; tries += 1)); do
    end_group "$1"
    kill -0 "$child" 2>/dev/null || break
    sleep 0.02
  done
}

# For as long as somebody wants the command, and the main process is there: an interactive shell that outlives it would
# keep systemd from stopping the unit for as long as it may.
watch() {
  local columns rows
  while true; do
    if read -r -t 1 columns rows <&4; then
      stty -F "$(<"$folder/terminal")" cols "$columns" rows "$rows"
    elif (($? <= 128)) || [[ ! -e /proc/$pid ]]; then
      break
    fi
  done
  end_command "$hang_up_tries_max"
} </dev/null >/dev/null 2>&1

run() {
  local directory=$1 terminal=$2 child=0 watcher= code
  shift 2
  if [[ $role == session ]]; then
    # Opened for both, it waits for nobody; what is read from afterwards ends with its last writer.
    { exec 5<>"$folder/control" && exec 4<"$folder/control" 5>&-; } 2>/dev/null || exit 0
  fi
  # What runs in the background can be interrupted then, as what runs in the foreground.
  set -m
  trap 'end_command 0' TERM
  if [[ -z $terminal ]]; then
    (enter "$directory" '' "$@") <&0 4<&- &
  else
    local line
    printf -v line '%q ' "$0" enter "$folder" "$group_name" "$pid" "$control_group" "$directory" "$terminal" "$@"
    SHELL=/bin/bash script --quiet --flush --return --echo always --command "exec /bin/bash $line" /dev/null <&0 4<&- &
  fi
  child=$!
  # That the command was killed, bash says on standard error. If nobody reads that any more, there is still work to do.
  trap '' PIPE
  exec 0</dev/null
  if [[ $role == session ]]; then
    watch &
    watcher=$!
  fi
  # A trap ends the first wait.
  while
    wait "$child"
    code=$?
    kill -0 "$child" 2>/dev/null
  do :; done
  end_group 0
  echo "$code" >"$folder/exit"
  # Whoever reads has all then.
  exec 1>/dev/null 2>/dev/null
  [[ -z $watcher ]] || kill -KILL "-$watcher"
  exit 0
}

role=$1
case $role in
  session | check) run "${@:6}" ;;
  enter) enter "${@:6}" ;;
esac
