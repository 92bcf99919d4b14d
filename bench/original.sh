#!/bin/sh
# What the original did in a run, as one script, to be measured against: pull, verify the newest tag, merge the
# layers into a model, copy the model's overlay onto the root, run the tasks. Signatures are checked before the
# merge, as the original did; nothing here is durable, as nothing was there.
#
#     original.sh REPO MODEL ROOT TAG-PATTERN LAYER...      with GNUPGHOME set
set -eu
repo=$1 model=$2 root=$3 pattern=$4
shift 4

cd "$repo"
git checkout --quiet main
git pull --quiet
tag=$(git tag -l "$pattern" | sort | tail -n 1)
git checkout --quiet "$tag"
git tag -v "$tag" > "$model.verified" 2>&1

rsync --archive --delete "$@" "$model"

run_tasks() {
    for task in "$model/$1"/[0-9]*; do
        if [ -x "$task" ]; then "$task"; fi
    done
}
run_tasks pre-tasks.d
rsync --archive "$model/overlay/" "$root"
run_tasks post-tasks.d
