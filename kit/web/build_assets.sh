#!/usr/bin/env bash
# Rebuilds the assets that others made: govuk.css, htmx, fonts and the accessibility checker of the tests.
# Their results are committed, so only someone who changes a version or govuk.scss needs this (and npm).
set -euo pipefail

GOVUK_FRONTEND=6.3.0 # must stay the version that govuk-frontend-jinja in requirements.txt speaks
SASS=1.108.2
HTMX=2.0.11
SOURCE_SANS=5.3.0
SOURCE_SANS_TTF=0.4.1 # the same face for PDF, kit/rendering
AXE=4.14.1

here=$(cd "$(dirname "$0")" && pwd)
static=$here/static
axe=$here/../../tests/support/axe
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts \
  "govuk-frontend@$GOVUK_FRONTEND" "sass@$SASS" "htmx.org@$HTMX" \
  "@fontsource-variable/source-sans-3@$SOURCE_SANS" "axe-core@$AXE" \
  "@expo-google-fonts/source-sans-3@$SOURCE_SANS_TTF"

cp "$here/govuk.scss" .
npx sass --no-source-map --style=compressed --quiet-deps govuk.scss "$static/govuk.css"

mkdir -p "$static/fonts" "$static/licences" "$axe"
for subset in latin latin-ext vietnamese; do # latin-ext holds the macrons
  cp "node_modules/@fontsource-variable/source-sans-3/files/source-sans-3-$subset-wght-normal.woff2" "$static/fonts/"
done
cp node_modules/htmx.org/dist/htmx.min.js "$static/htmx.js"
cp node_modules/axe-core/axe.min.js "$axe/axe.min.js"
cp node_modules/@fontsource-variable/source-sans-3/LICENSE "$static/licences/source-sans-3.txt"
cp node_modules/htmx.org/LICENSE "$static/licences/htmx.txt"
# govuk-frontend's package carries no licence file: licences/govuk-frontend.txt is the one of its repository.
cp node_modules/axe-core/LICENSE "$axe/LICENSE"
ttf=node_modules/@expo-google-fonts/source-sans-3
for face in 400Regular 400Regular_Italic 600SemiBold 700Bold; do
  cp "$ttf/$face/SourceSans3_$face.ttf" "$here/../rendering/fonts/"
done
cp "$ttf/LICENSE_FONT" "$here/../rendering/fonts/LICENSE.txt"
chmod 644 "$here"/../rendering/fonts/* "$static"/fonts/* "$static"/licences/* "$static/htmx.js" "$axe"/*
