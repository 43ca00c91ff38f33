#!/bin/sh
# One picture by curl: submit it, ask until the task is over, fetch the result.
#
#   submit.sh PICTURE RESULT TASK       TASK is a description in JSON
#
# Ends with 0 if there is a result, 3 if the task FAILED, 4 if the server refused it, 1 otherwise.
set -eu
picture=$1 result=$2 task=$3
server=${TINTYPE_SERVER:-http://127.0.0.1:8080}
if [ ! -r "$picture" ]; then
    echo "$picture: cannot be read" >&2
    exit 1
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

# The key in a file that only its owner can read, and not where everybody sees the list of processes.
umask 077
: >"$folder/headers"
if [ -n "${TINTYPE_KEY:-}" ]; then
    printf 'Authorization: Bearer %s\n' "$TINTYPE_KEY" >"$folder/headers"
fi
printf '%s' "$task" >"$folder/task.json"

ask() { # ask CURL-ARGUMENT…; the body goes to answer, the headers to head, the code to standard output
    # A server that is busy (429, 503) is left alone for as long as it says, and then asked again.
    curl --silent --show-error --retry 5 --header "@$folder/headers" --header 'Accept: application/json' \
        --dump-header "$folder/head" --output "$folder/answer" --write-out '%{http_code}' "$@" || exit 1
}
header() { # header NAME, in lower case; of the last answer, should curl have tried again
    tr -d '\r' <"$folder/head" |
        awk -v name="$1:" 'tolower($1) == name { sub(/^[^:]*: */, ""); value = $0 } END { print value }'
}
said() { # said FIELD; enough for the texts of a status or a problem document, and less than a JSON parser
    sed -nE "s/.*\"$1\":\"(([^\"\\]|\\\\.)*)\".*/\1/p" "$folder/answer" | sed 's/\\\(.\)/\1/g'
}

# In curl's own quotation marks, as a name may have commas and semicolons.
quoted=$(printf '%s' "$picture" | sed 's/[\\"]/\\&/g')
# It may be sent twice: by the key it is one task all the same.
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
code=$(ask --header "Idempotency-Key: $key" --form "task=<$folder/task.json;type=application/json" \
    --form "image=@\"$quoted\"" "$server/images/tasks")
if [ "$code" != 202 ]; then
    echo "$picture: refused with $code: $(said detail)" >&2
    exit 4
fi
location=$(header location)

while :; do
    # Held back until the task is over, ten seconds at most: that is quicker than to ask again and again.
    code=$(ask --header 'Prefer: wait=10' "$location")
    case $code in
    303) break ;;
    200) ;;
    *)
        echo "$picture: $location answers with $code: $(said detail)" >&2
        exit 4
        ;;
    esac
    if [ "$(said state)" = FAILED ]; then
        echo "$picture: $(said detail) ($(said code))" >&2
        exit 3
    fi
    sleep "$(header retry-after)"
done

# Under another name first, so that what is called RESULT is whole.
code=$(ask "$(header location)")
if [ "$code" != 200 ]; then
    echo "$picture: the result is answered with $code: $(said detail)" >&2
    exit 4
fi
umask 022
cat "$folder/answer" >"$result.part"
mv "$result.part" "$result"
