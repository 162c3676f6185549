# Shell functions that the scripts of this folder share. Sourced, not run.

say() { printf '%s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# step TITLE COMMAND REMEDY: runs the command, says how long it took, and ends
# the script with the remedy if it fails.
step() {
  local title=$1 command=$2 remedy=$3 start=$SECONDS
  say "== $title …"
  if ! $command; then
    say "error: '$title' failed after $((SECONDS - start)) s"
    say "  at $0, step $command"
    say "  fix: $remedy"
    exit 1
  fi
  say "   done in $((SECONDS - start)) s"
}

# configure_and_build FOLDER [CMAKE ARGUMENT …]
configure_and_build() {
  local folder=$1
  shift
  mkdir -p "$folder"
  cmake -S . -B "$folder" -G Ninja "$@" >"$folder/configure.log" 2>&1 ||
    { cat "$folder/configure.log" >&2; return 1; }
  # One job a core, but at least 1.5 GB of memory for each.
  local memory_jobs
  memory_jobs=$(awk '/MemAvailable/{print int($2 / 1500000)}' /proc/meminfo)
  local jobs
  jobs=$(nproc)
  [ "$memory_jobs" -ge "$jobs" ] || jobs=$((memory_jobs > 0 ? memory_jobs : 1))
  ninja -C "$folder" -j "$jobs"
}
