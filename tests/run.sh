#!/usr/bin/env bash
# All checks and tests of the repository: ./onhand test [--full] [filter], ./onhand test --histories N [--seed S]
#
# Without a filter: format, lints, dependencies, unit tests, the checks of the deployment, which need no stack, then a stack of its
# own (other ports, other folder, made new for this run) and the SQL, race, history, flow and failure tests on it. With a filter: only
# the tests whose name contains it.
# With --full: the same tests at their full size, which takes hours: 100,000 writes that are read at once, 1,000,000 random inputs of
# each decoder, 100,000 random calls and 2,000 histories of each kind from new seeds, and every outage lasts 60 seconds. Each is a
# variable (see full_size) that can also be set by itself.
# With --histories: N random histories of each kind, the first drawn from seed S, on a Postgres alone.
# Ends with 1 if a step failed or a runner ran no test. The stack is stopped in any case; its logs stay if something failed.
set -uo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root" || exit 1
usage() {
    echo "usage: ./onhand test [--full] [part of a test's name]" >&2
    echo "       ./onhand test --histories N [--seed S]" >&2
    exit 2
}

# What the usual run does in small, at full size.
full_size() {
    export ONHAND_PAIRS=${ONHAND_PAIRS:-100000}
    export ONHAND_DECODER_CASES=${ONHAND_DECODER_CASES:-1000000}
    export ONHAND_FUZZ=${ONHAND_FUZZ:-100000}
    export ONHAND_HISTORIES=${ONHAND_HISTORIES:-2000}
    export ONHAND_OUTAGE_SECONDS=${ONHAND_OUTAGE_SECONDS:-60}
}

filter=()
full=no
only=
while [ $# -gt 0 ]; do
    case $1 in
        --histories | --seed)
            [[ ${2:-} =~ ^[0-9]+$ ]] || usage
            if [ "$1" = --seed ]; then export ONHAND_HISTORY_SEED=$2; else export ONHAND_HISTORIES=$2 only=histories; fi
            shift
            ;;
        --full) full=yes ;;
        -*) usage ;;
        *)
            [ ${#filter[@]} -eq 0 ] || usage
            filter=("$1")
            ;;
    esac
    shift
done
# A seed alone says too little, and a filter would leave out histories that were asked for.
if [ -n "$only" ] && [ ${#filter[@]} -gt 0 ]; then usage; fi
if [ -z "$only" ] && [ -n "${ONHAND_HISTORY_SEED:-}" ]; then usage; fi
if [ "$full" = yes ]; then
    if [ -n "$only" ]; then usage; fi
    full_size
fi

export ONHAND_PROFILE=dev
# A failed test says what it expected; frames of its runtime would push that out of a log that is cut.
export RUST_BACKTRACE=${ONHAND_TEST_BACKTRACE:-0}
export ONHAND_PORT_PREFIX=${ONHAND_TEST_PORT_PREFIX:-27}
export ONHAND_STATE=${ONHAND_TEST_STATE:-$root/.onhand/test}
export ONHAND_PARTS=${ONHAND_PARTS:-$root/.onhand/parts}

begun=$SECONDS
output=$(mktemp)
failures=$(mktemp)
summary=()
failed=0
stack_used=no
claimed=no
marker=$ONHAND_STATE.run

heading() { printf '\n=== %s\n' "$*"; }
minutes() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

note() { # outcome seconds title
    summary+=("$(printf '%-6s %6s  %s' "$1" "$(minutes "$2")" "$3")")
    if [ "$1" = FAILED ]; then
        failed=1
        printf '=== FAILED: %s\n' "$3"
    fi
}

# Runs one step and remembers how it ended.
step() { # title command...
    local title=$1 from=$SECONDS
    shift
    heading "$title"
    if "$@"; then note ok $((SECONDS - from)) "$title"; else
        note FAILED $((SECONDS - from)) "$title"
        return 1
    fi
}

# The numbers in the summary lines of the runners in the last output.
ran() { awk '/^test result:/ { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^(passed|failed);/) sum += $i } END { print sum + 0 }' "$output"; }

# What the failed tests of the last output said, for the end of the run: between the runner's heading and its list of names.
keep_failures() {
    awk '/^failures:$/ { found++ } found % 2 == 1 && NF && !/^failures:$/ { print substr($0, 1, 600) }' "$output" | head -n 25 >>"$failures"
}

# Runs tests, shows what they print, and fails also if none ran.
tests() { # cargo arguments...
    local code count
    cargo test "$@" -- ${filter[@]+"${filter[@]}"} 2>&1 | tee "$output"
    code=${PIPESTATUS[0]}
    [ "$code" -eq 0 ] || keep_failures
    count=$(ran)
    total=$((total + count))
    if [ "$count" -eq 0 ] && [ ${#filter[@]} -eq 0 ]; then
        echo "no test ran"
        return 1
    fi
    return "$code"
}
total=0

# Test programs that need nothing but a Postgres.
on_postgres=(contracts sql races histories faults fuzz)
# The copies of faulty pipelines need a Redis beside it.
on_redis=(copies)

# Names of the test programs: those without a need for the whole stack first; then the flows, and what reads the public topics from
# their beginning while little stands there; those that kill parts last.
targets() {
    local name first=("${on_postgres[@]}" "${on_redis[@]}" flows publish) last=(failures)
    for name in "${first[@]}"; do has_target "$name" && echo "$name"; done
    for path in tests/tests/*.rs tests/tests/*/main.rs; do
        name=${path#tests/tests/}
        name=${name%/main.rs}
        name=${name%.rs}
        case " ${first[*]} ${last[*]} * " in *" $name "*) ;; *) echo "$name" ;; esac
    done
    for name in "${last[@]}"; do has_target "$name" && echo "$name"; done
}
has_target() { [ -e "tests/tests/$1.rs" ] || [ -e "tests/tests/$1/main.rs" ]; }

# Whether a program has a test that the filter matches. All that is listed is read: whoever lists more than one must not be cut off (pipefail).
matches() { # target
    [ ${#filter[@]} -eq 0 ] || cargo test -q --workspace --test "$1" -- --list "${filter[@]}" 2>/dev/null | grep ': test$' >/dev/null
}

# Takes the state folder for this run. Only what a test run made, and no run uses any more, is stopped and removed: a stack
# that somebody started there by hand, or that another run is using, is left alone.
claim_state() {
    local owner=
    elsewhere="stop it and remove $ONHAND_STATE, or set ONHAND_TEST_STATE and ONHAND_TEST_PORT_PREFIX to use another folder and ports"
    if [ -e "$marker" ]; then
        owner=$(<"$marker")
        if [ -n "$owner" ] && grep -qs run.sh "/proc/$owner/cmdline"; then
            echo "another test run (process $owner) uses $ONHAND_STATE; wait for it, or $elsewhere"
            return 1
        fi
        echo "removing what an interrupted run left in $ONHAND_STATE"
        if [ -e "$ONHAND_STATE/secrets.env" ]; then ./onhand down || return 1; fi
        rm -rf "$ONHAND_STATE" "$marker"
    elif [ -e "$ONHAND_STATE" ]; then
        echo "$ONHAND_STATE was not made by a test run, and somebody may be using it: $elsewhere"
        return 1
    fi
    mkdir -p "$(dirname "$marker")" || return 1
    # Fails if another run was faster.
    (set -o noclobber && echo $$ >"$marker") || return 1
    claimed=yes
}

# The parts that a program needs; none named means all. What idles beside a program only takes its processor time.
parts_needed() { # target
    case " ${on_postgres[*]} " in *" $1 "*) echo postgres ;; esac
    case " ${on_redis[*]} " in *" $1 "*) echo postgres redis ;; esac
}

stack_up() { # parts...
    [ "$claimed" = yes ] || claim_state || return 1
    stack_used=yes
    ./onhand up "$@" || return 1
    local settings
    settings=$(./onhand env) || return 1
    eval "$settings"
    export ONHAND_BIN=${CARGO_TARGET_DIR:-$root/target}/debug/onhand
    export ONHAND_TEST_DATABASE_URL="postgres://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/postgres"
}

stack_down() {
    [ "$stack_used" = yes ] || return 0
    stack_used=no
    ./onhand down
}

print_logs() {
    local log
    for log in "$ONHAND_STATE"/log/*.log; do
        [ -s "$log" ] || continue
        printf '\n--- %s, last lines\n' "$log"
        tail -n 25 "$log"
    done
}

finish() {
    local code=$?
    trap '' INT TERM HUP
    rm -f "$output" "$failures"
    if [ "$stack_used" = yes ]; then
        [ "$code" -eq 0 ] || print_logs
        stack_down || code=1
    fi
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# What deploys the product, checked without a part of it running; it asks the program about settings and commands.
deployment() {
    # As `./onhand up` builds it, so that it is built once.
    cargo build --workspace --bin onhand || return 1
    ONHAND_BIN=${CARGO_TARGET_DIR:-$root/target}/debug/onhand tests --workspace --test deploy
}

check_dependencies() {
    if ! command -v cargo-deny >/dev/null; then
        echo "skipped: cargo-deny is not installed (cargo install --locked cargo-deny)"
        return 0
    fi
    # Advisories need the network and change without us: cargo deny check advisories, before a release.
    cargo deny --all-features check bans licenses sources
}

if [ ${#filter[@]} -eq 0 ] && [ -z "$only" ]; then
    step "format" cargo fmt --all --check
    step "lints" cargo clippy --workspace --all-targets -- -D warnings
    step "dependencies" check_dependencies
fi
if [ -z "$only" ]; then
    step "unit tests" tests --workspace --lib --bins
    step "build" cargo test --workspace --no-run || exit 1
else
    step "build" cargo test --workspace --no-run --test "$only" || exit 1
fi

if [ -z "$only" ] && matches deploy; then step "tests: deploy" deployment; fi

wanted=()
for target in ${only:-$(targets)}; do
    if matches "$target"; then wanted+=("$target"); fi
done
if [ ${#wanted[@]} -gt 0 ]; then
    started=none
    for target in "${wanted[@]}"; do
        needed=$(parts_needed "$target")
        # Programs that need all of it come after those that need Postgres alone.
        if [ "$started" != "$needed" ]; then
            # shellcheck disable=SC2086 # none, one or two words
            step "start of the test stack${needed:+ ($needed)}" stack_up $needed || break
            started=$needed
        fi
        step "tests: $target" tests --workspace --test "$target"
    done
    if [ "$failed" -ne 0 ] && [ "$stack_used" = yes ]; then print_logs; fi
    if [ "$stack_used" = yes ]; then step "stop of the test stack" stack_down; fi
fi

heading "summary"
printf '%s\n' "${summary[@]}"
if [ "$total" -eq 0 ]; then
    echo "no test ran"
    failed=1
fi
printf '%s tests in %s\n' "$total" "$(minutes $((SECONDS - begun)))"
if [ "$failed" -ne 0 ]; then
    cat "$failures"
    echo "FAILED"
    exit 1
fi
if [ "$claimed" = yes ]; then rm -rf "$ONHAND_STATE" "$marker"; fi
echo "ok"
