#!/usr/bin/env bash
# Takes new texts from the sign-in pages into their te reo Māori catalogue, then compiles it. The .mo is committed.
set -euo pipefail
cd "$(dirname "$0")"
pybabel=${PYBABEL:-../../../.venv/bin/pybabel}
po=translations/mi/LC_MESSAGES/messages.po
pot=$(mktemp)
trap 'rm -f "$pot"' EXIT

"$pybabel" -q extract -F ../../gateway/babel.cfg -k _l -k lazy_gettext --no-location --sort-output \
  --project=services.identity.web --version=1 -o "$pot" .
"$pybabel" -q update -i "$pot" -o "$po" -l mi --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -w 120
# Headers that would change with every run say nothing.
sed -i -E '/^"(Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Generated-By):/d' "$po"
"$pybabel" -q compile -i "$po" -o "${po%.po}.mo"
