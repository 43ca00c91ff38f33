#!/usr/bin/env bash
# curl, as the README and docs/protocol.md show it: a form, a bare image, and a message put together by printf.
set -euo pipefail
url=$1
folder=$2
here=$(dirname "$0")

fetch() { # fetch WAY CURL-ARGUMENT…
    local way=$1 location kind
    shift
    location=$(curl --silent --show-error --fail-with-body --dump-header - --output "$folder/answer" "$@" |
        tr -d '\r' | sed -n 's/^location: //Ip')
    for _ in $(seq 600); do
        kind=$(curl --silent --show-error --fail --location --output "$folder/curl.png" \
            --write-out '%{content_type}' "$location")
        if [[ $kind == image/* ]]; then
            python3 "$here/picture.py" check "$folder/curl.png" 16 12
            return
        fi
        grep -q '<state>pending</state>' "$folder/curl.png" || break
        sleep 0.1
    done
    echo "$way: no image" >&2
    cat "$folder/curl.png" >&2
    return 1
}

fetch form "$url/images/tasks" \
    -F 'task={"operations": [{"name": "resize", "params": {"width": 16}}]}' -F "image=@$PICTURE"

printf '<task><operation name="resize"><param name="width">16</param></operation></task>' >"$folder/task.xml"
fetch 'form of files' "$url/images/tasks" \
    -F "task=<$folder/task.xml;type=application/xml" -F "image=@$PICTURE;type=image/png"

fetch 'bare image' "$url/images/tasks?operation=resize&width=16" \
    -H 'Content-Type: image/png' --data-binary "@$PICTURE"

fetch 'upload of unknown length' "$url/images/tasks?operation=resize&width=16" \
    -X POST -H 'Content-Type: application/octet-stream' -H 'Transfer-Encoding: chunked' --upload-file - <"$PICTURE"

{ printf -- '--xyz\r\nContent-Type: application/xml;charset=UTF-8\r\n\r\n'
  cat "$folder/task.xml"
  printf -- '\r\n--xyz\r\nContent-Type: image/png\r\n\r\n'
  cat "$PICTURE"
  printf -- '\r\n--xyz--\r\n'
} >"$folder/request.multipart"
fetch multipart/related "$url/images/tasks" \
    -H 'Content-Type: multipart/related; boundary=xyz' --data-binary "@$folder/request.multipart"
