#!/usr/bin/env bash
# The examples of docs/examples against the real server, as a reader would run them: what comes out, how they
# end, and what the receiver of callbacks believes. Needs `make build` and `tests/prepare.sh`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../serve.sh
source "$here/../serve.sh"
examples=$root/docs/examples
export PYTHONDONTWRITEBYTECODE=1
passed=0
failed=0

check() { # check NAME COMMAND…
    local name=$1
    shift
    if "$@" >"$scratch/said" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$name:" >&2
        cat "$scratch/said" >&2
    fi
}

ends_with() { # ends_with CODE WORDS COMMAND…; WORDS are in what it says
    local code=$1 words=$2 got=0
    shift 2
    timeout 120 "$@" >"$scratch/output" 2>&1 || got=$?
    cat "$scratch/output"
    if [[ $got -ne $code ]]; then
        echo "ended with $got, not with $code"
        return 1
    fi
    if ! grep -qF -- "$words" "$scratch/output" && [[ -n $words ]]; then
        echo "says nothing of: $words"
        return 1
    fi
}

is_small() { # is_small FILE…; each is the picture at a quarter of its size
    local file
    for file in "$@"; do
        python3 "$here/../clients/picture.py" check "$file" 16 12 || return
    done
}

receiver=
stop_all() {
    if [[ -n $receiver ]]; then
        kill "$receiver" 2>/dev/null || true
        wait "$receiver" 2>/dev/null || true
    fi
    stop
}
trap stop_all EXIT

# The receiver first: the server has to be told its port.
TINTYPE_CALLBACK_SECRET=whsec_$(python3 -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())')
export TINTYPE_CALLBACK_SECRET
# It is read before the receiver may have made it.
: >"$scratch/heard"
python3 "$examples/callback_receiver.py" 0 >>"$scratch/heard" 2>"$scratch/receiver.log" &
receiver=$!
hooks=
for _ in $(seq 100); do
    hooks=$(sed -n 's/^listening on //p' "$scratch/heard")
    [[ -n $hooks ]] && break
    sleep 0.1
done
if [[ -z $hooks ]]; then
    echo 'the receiver of callbacks does not listen:' >&2
    cat "$scratch/receiver.log" >&2
    exit 1
fi

# With a key, so that the examples have to send it.
"${SERVER_BINARY:-$root/target/release/tintype}" key new examples --data-dir "$scratch/data" >"$scratch/key" 2>/dev/null
TINTYPE_KEY=$(<"$scratch/key")
serve --callback-hosts "$hooks"
export TINTYPE_KEY TINTYPE_SERVER=$url

task='{"operations": [{"name": "resize", "params": {"width": 16}}]}'
unknown='{"operations": [{"name": "resiz"}]}'
picture=$scratch/a.png
python3 "$here/../clients/picture.py" make "$picture"
echo 'no picture' >"$scratch/text.png"
mkdir "$scratch/good" "$scratch/mixed"
# A name that a shell, a form and a URL could stumble over.
for name in one.png 'two, and "three"; 100%.png' four.png five.png six.png; do
    cp "$picture" "$scratch/good/$name"
    cp "$picture" "$scratch/mixed/$name"
done
cp "$scratch/text.png" "$scratch/mixed/broken.png"

same_promises() { # same_promises NAME COMMAND…
    local name=$1 out=$scratch/out-$1
    shift
    local folder=("$@")
    if [[ $name == shell ]]; then
        folder=("$examples/folder.sh")
    fi
    mkdir "$out"
    check "$name makes a picture smaller" ends_with 0 '' "$@" "$picture" "$out/small.png" "$task"
    check "$name writes what was made" is_small "$out/small.png"
    check "$name says why a task failed" \
        ends_with 3 'Invalid image format.' "$@" "$scratch/text.png" "$out/text.png" "$task"
    check "$name says what is refused" \
        ends_with 4 'There is no operation "resiz".' "$@" "$picture" "$out/refused.png" "$unknown"
    check "$name says that its key is wrong" ends_with 4 '401' env TINTYPE_KEY=tt_wrong "$@" "$picture" "$out/refused.png" "$task"
    check "$name says which picture is missing" ends_with 1 'missing.png' "$@" "$scratch/missing.png" "$out/x.png" "$task"
    check "$name writes nothing where there is no result" test ! -e "$out/text.png" -a ! -e "$out/refused.png"
    check "$name does a folder" ends_with 0 '' "${folder[@]}" "$scratch/good" "$out/good" "$task"
    check "$name does all of a folder" is_small "$out/good/one.png" "$out/good/two, and \"three\"; 100%.png" \
        "$out/good/four.png" "$out/good/five.png" "$out/good/six.png"
    check "$name goes on after a broken picture" \
        ends_with 1 'broken.png: Invalid image format.' "${folder[@]}" "$scratch/mixed" "$out/mixed" "$task"
    check "$name does the others" is_small "$out/mixed/one.png" "$out/mixed/six.png"
}

same_promises shell "$examples/submit.sh"
same_promises python python3 "$examples/tintype.py"
if command -v node >/dev/null; then
    same_promises node node "$examples/tintype.mjs"
else
    echo 'skipped: the example for Node; install node 18 or later (Debian: apt-get install nodejs)' >&2
    if [[ ${CI:-} == true ]]; then
        failed=$((failed + 1))
    fi
fi

with_callback="{\"operations\": [{\"name\": \"grayscale\"}], \"callback\": \"$hooks/pictures\"}"
heard() { # heard PATTERN; within a minute
    for _ in $(seq 600); do
        grep -qE "$1" "$scratch/heard" && return
        sleep 0.1
    done
    cat "$scratch/heard" "$scratch/receiver.log"
    return 1
}
check 'a task may ask for a callback' ends_with 0 '' "$examples/submit.sh" "$picture" "$scratch/gray.png" "$with_callback"
check 'the receiver hears of a task that went well' heard "^OK [0-9a-f-]{36} $url/images/"
check 'a failure is announced, too' \
    ends_with 3 'Invalid image format.' "$examples/submit.sh" "$scratch/text.png" "$scratch/none.png" "$with_callback"
check 'the receiver hears of a task that failed' heard '^FAILED [0-9a-f-]{36} invalid-image$'
check 'the receiver believes nobody else' ends_with 0 '' python3 "$here/forge.py" "$hooks/pictures" "$scratch/heard"

echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
