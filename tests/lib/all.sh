# shellcheck shell=bash
# Everything a scenario uses; the order matters, each builds on those before.

LIBRARY=$(dirname "${BASH_SOURCE[0]}")
for part in work report machine bare signer repository servers package trace phone internet zone; do
    # shellcheck disable=SC1090
    . "$LIBRARY/$part.sh"
done
