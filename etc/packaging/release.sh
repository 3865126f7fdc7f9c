#!/bin/sh
# Makes all that a release consists of, into the folder that is named: the npm tarball, the
# Debian package, the SBOM, the checksums; and looks that what lies there runs. Publishes nothing: of a tag
# .github/workflows/release.yml does. Refuses a checkout with changes of its own, a tag that is not
# the version, a changelog that says nothing, and dependencies with known holes.
# --without-audit: for a registry that answers no `npm audit`; what is made is then not for others.
set -eu

refuse() {
  echo "release: $1" >&2
  exit 65
}

audit=yes
if [ "${1-}" = --without-audit ]; then
  audit=no
  shift
fi
if [ $# -ne 1 ]; then
  echo "usage: etc/packaging/release.sh [--without-audit] FOLDER" >&2
  exit 64
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
[ -z "$(ls -A "$out")" ] || refuse "$out is not empty"
cd "$(dirname "$0")/../.."

version=$(node -p 'require("./package.json").version')
[ -z "$(git status --porcelain)" ] || refuse "the checkout has changes that are not committed"
tag=$(git tag --points-at HEAD 'v*')
[ -z "$tag" ] || [ "$tag" = "v$version" ] || refuse "the tag is $tag, package.json says $version"
# What is tagged has a section of its own; before, it is what nobody has yet.
section=Unreleased
[ -z "$tag" ] || section=$version
awk -v head="## [$section]" '/^## /{on = index($0, head) == 1} on && /^- /{n++} END{exit !n}' CHANGELOG.md ||
  refuse "CHANGELOG.md: nothing stands under $section"

# npm signs where a package was built only if the package says that it lives there.
[ -z "${GITHUB_REPOSITORY-}" ] ||
  npm pkg set "repository.url=git+https://github.com/$GITHUB_REPOSITORY.git"
npm ci
if [ "$audit" = yes ]; then npm audit --omit=dev; fi
rm -f dist/*.deb
npm run deb
npm pack --pack-destination "$out"
mv dist/*.deb "$out/"
look=$(mktemp -d)
trap 'rm -rf "$look"' EXIT
# Of a package without its tools: --omit=dev alone leaves out what a tool needs as well (graceful-fs).
# The folder's name becomes the name of what it is the SBOM of.
mkdir "$look/msgq"
cp package.json package-lock.json "$look/msgq"
(
  cd "$look/msgq"
  npm pkg delete devDependencies
  npm install --silent --package-lock-only --ignore-scripts --no-audit --no-fund
  npm sbom --package-lock-only --omit=dev --omit=peer --omit=optional --sbom-format cyclonedx
) >"$out/sbom.cdx.json"

# Each as somebody else will have it.
runs() {
  said=$(node "$1" --version)
  [ "$said" = "$version" ] || refuse "$1 says $said, not $version"
}
dpkg-deb --extract "$out"/*.deb "$look/deb"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$look/npm" "$out"/*.tgz
for program in bin/msgq sbin/msgqd; do runs "$look/deb/usr/$program"; done
for program in msgq msgqd; do runs "$look/npm/node_modules/msgq/bin/$program"; done
# shellcheck disable=SC2016
node -e '
  const { components, metadata } = JSON.parse(fs.readFileSync(process.argv[1], "utf8"))
  if (metadata.component.name !== "msgq") throw new Error(`the SBOM is that of ${metadata.component.name}`)
  const { packages } = JSON.parse(fs.readFileSync("package-lock.json", "utf8"))
  const wanted = Object.entries(packages).filter(([path, it]) => path && !it.dev && !it.devOptional && !it.optional && !it.peer)
  const has = new Set(components.map((it) => `${it.group ? it.group + "/" : ""}${it.name}@${it.version}`))
  const lacks = wanted.map(([path, it]) => `${path.split("node_modules/").at(-1)}@${it.version}`).filter((it) => !has.has(it))
  if (lacks.length > 0) throw new Error(`the SBOM lacks ${lacks.join(", ")}`)
' "$out/sbom.cdx.json"
cd "$out"
sha256sum -- *.tgz *.deb sbom.cdx.json >SHA256SUMS
sha256sum --check --quiet SHA256SUMS
[ "$audit" = yes ] || echo "release: nobody asked whether its dependencies have known holes" >&2
ls -l "$out"
