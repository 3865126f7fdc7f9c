#!/usr/bin/env bash
# Runs the tests on every version of Node.js that msgq supports: npm run test:nodes
#
# Each comes from npm (node-linux-<arch>@<major>) into .nodes/, which git ignores; remove that
# folder to get newer ones. Other majors: npm run test:nodes -- 22 26. Prints every run whole,
# then a line a version and the sum. Exits 1 if one of them failed, or ran no test.
set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(20 22 24)
package="node-linux-$(node -p process.arch)"
count='^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$'
log=$(mktemp)
trap 'rm -f "$log"' EXIT

lines=() passed=0 failed=0 status=0

npm run build || exit 1

for major in "${versions[@]}"; do
  home=".nodes/$major"
  bin="$PWD/$home/node_modules/$package/bin"
  [ -x "$bin/node" ] ||
    npm install --silent --no-save --no-audit --no-fund --prefix "$home" "$package@$major"
  # Asked by its own path, so that no other node on PATH can answer for one that is missing.
  if ! version=$("$bin/node" --version); then
    lines+=("node $major: cannot be installed from npm as $package")
    failed=$((failed + 1)) status=1
    continue
  fi
  echo "== node $version"
  # Not by npx: whatever starts `node`, the programs under bin/ included, is to find this one.
  PATH="$bin:$PATH" node_modules/.bin/tap 2>&1 | tee "$log" || status=1
  if [[ $(grep -E "$count" "$log" | tail -n 1) =~ $count ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
    lines+=("node $version: ${BASH_REMATCH[0]}")
  else
    lines+=("node $version: ran no test")
    failed=$((failed + 1)) status=1
  fi
done

echo
printf '%s\n' "${lines[@]}"
echo "$passed passed, $failed failed"
exit "$status"
