#!/bin/bash
# The least that a shell script can do for the same result: git fetch, gpgv on the newest tag, rsync, the tasks.
#
#     plain.sh REPO ROOT TAG-PATTERN KEYRING LAYER
set -eu
repo=$1 root=$2 pattern=$3 keyring=$4 layer=$5

cd "$repo"
git fetch --quiet origin
tag=$(git tag -l --sort=-refname "$pattern" | head -n 1)
# git keeps the text and the signature in one object; the signature begins at its armor.
object=$(git cat-file tag "$tag")
signed=${object%%-----BEGIN PGP*}
gpgv --quiet --keyring "$keyring" <(printf '%s\n' "${object#"$signed"}") <(printf '%s' "$signed") 2> /dev/null
[ "$(git rev-parse "$tag^{commit}")" = "$(git rev-parse HEAD)" ] || git checkout --quiet "$tag"

for task in "$layer"/pre-tasks.d/[0-9]*; do "$task"; done
rsync --archive "$layer/overlay/" "$root"
for task in "$layer"/post-tasks.d/[0-9]*; do "$task"; done
