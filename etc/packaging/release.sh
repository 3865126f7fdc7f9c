#!/bin/sh
# Makes all that a release consists of, into the folder that is named: the npm tarball, the
# Debian package, the SBOM, the checksums. Publishes nothing. Refuses a checkout with changes of its own, a
# changelog with nothing unreleased, and dependencies with known holes.
set -eu

if [ $# -ne 1 ]; then
  echo "usage: etc/packaging/release.sh FOLDER" >&2
  exit 64
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."

if [ -n "$(git status --porcelain)" ]; then
  echo "release: the checkout has changes that are not committed" >&2
  exit 65
fi
unreleased=$(awk '/^## /{on = /^## \[Unreleased\]/; next} on && /^- /' CHANGELOG.md)
if [ -z "$unreleased" ]; then
  echo "release: CHANGELOG.md: nothing stands under Unreleased" >&2
  exit 65
fi

npm ci
npm audit --omit=dev
npm run deb
npm pack --pack-destination "$out"
mv dist/*.deb "$out/"
npm sbom --omit=dev --sbom-format cyclonedx >"$out/sbom.cdx.json"
cd "$out"
sha256sum -- *.tgz *.deb sbom.cdx.json >SHA256SUMS
