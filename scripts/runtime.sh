# Sourced by the launchers: finds the runtime. Needs $root, and leaves $node and $node_flags.
# shellcheck shell=sh

node=$root/.toolchain/node_modules/.bin/node
# SIGUSR1 would open a debugger to all on the machine, workloads too, who could run anything as the daemon does.
node_flags='--disable-warning=ExperimentalWarning --disable-sigusr1'
# An agent has little to do and shares its machine with the workloads: memory counts, not speed. Small young generation,
# code that favours size, no TurboFan (5 MB of its own program, touched as soon as one loop is hot) and no helper threads of
# V8 (each has a heap of its own to allocate from). They would halve what a member commits per second.
agent_flags='--max-semi-space-size=1 --optimize-for-size --no-turbofan --single-threaded'
# Calls that wait for the disk outlive a small young generation, and are copied again and again: room for them spares a
# member under load a third of its collections and of their pauses. It is taken only under load.
member_flags='--max-semi-space-size=64'

# The compile cache also keeps the stripped sources, so that the type stripper (16 MB of memory) is never loaded.
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$root/.cache/node-compile}
export NODE_COMPILE_CACHE

setup_missing() {
  echo "$(basename "$0"): $1; run \"make setup\" in \"$root\" first" >&2
  exit 1
}

if [ ! -x "$node" ]; then
  # Elsewhere than on Linux, Node comes from the person who installed it.
  node=$(command -v node) || setup_missing 'Cannot find Node 24'
  version=$("$node" --version)
  major=${version#v}
  [ "${major%%.*}" -ge 24 ] || setup_missing "Cannot use the Node on the path, which is \"$version\", not 24 or later"
fi
[ -d "$root/node_modules" ] || setup_missing "Cannot find the dependencies"
