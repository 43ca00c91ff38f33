#!/bin/sh
# Every picture of a folder by curl, four at a time. What fails stops no other.
#
#   folder.sh FOLDER RESULTS TASK
#
# Results have their pictures' names. Ends with 0 if there is one for each, else with 1.
set -eu
from=$1 to=$2
export task="$3" to
submit=$(cd "$(dirname "$0")" && pwd)/submit.sh
export submit
mkdir -p "$to"
# xargs ends with 123 if any of them failed; each has said why.
find "$from" -maxdepth 1 -type f ! -name '.*' -print0 |
    xargs -0 -P 4 -I '{}' sh -c '"$submit" "$1" "$to/${1##*/}" "$task"' submit '{}' || exit 1
