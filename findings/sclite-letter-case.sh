#!/usr/bin/env bash
# Package: sctk 2.4.10-20151007-1312Z+dfsg2-3.1 (Debian 12), sclite 2.10.
# Expected: letter case does not count unless -s is given, for the manual says that all input is mapped to a single case
#   before it is scored; with "-e utf-8", or "-e utf-8 generic", that holds for the letters of every alphabet.
# Seen: A to Z alone are mapped. "Hello" for "hello" is right, "Привет" for "привет" is an error, and so are "Élan" and
#   "Über" for "élan" and "über", with either option. Whoever compares a recogniser that writes capitals with references
#   in lower case finds it flawless in English and wrong at the beginning of every sentence in Russian or Greek.
#   babel_turkish and babel_vietnamese map the letters of Turkish and Vietnamese, and no others beyond A to Z.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
fetch() { apt-get download -qq sctk=2.4.10-20151007-1312Z+dfsg2-3.1 2>/dev/null; }
fetch || { apt-get update -qq >/dev/null && fetch; }
dpkg -x ./*.deb .

# Errors of a hypothesis, of one word a text.
errors() {
  local reference=$1 hypothesis=$2
  shift 2
  echo "$reference (a_1)" > reference.trn
  echo "$hypothesis (a_1)" > hypothesis.trn
  usr/lib/sctk/bin/sclite -r reference.trn trn -h hypothesis.trn trn -i spu_id -o rsum stdout "$@" \
    | awk -F'|' '/Sum/ { split($4, figures, " "); print figures[5] }'
}
expect() {
  local seen=$1
  shift
  local found
  found=$(errors "$@")
  echo "\"$2\" for \"$1\" ${*:3}: $found errors"
  [ "$found" = "$seen" ] || { echo "seen before: $seen"; exit 1; }
}

for options in "" "-e utf-8" "-e utf-8 generic"; do
  # shellcheck disable=SC2086
  { expect 0 hello Hello $options
    expect 1 привет Привет $options
    expect 1 καλημέρα Καλημέρα $options
    expect 1 élan Élan $options
    expect 1 über Über $options; }
done
expect 0 über Über -e utf-8 babel_turkish
expect 1 élan Élan -e utf-8 babel_turkish
expect 0 élan Élan -e utf-8 babel_vietnamese
expect 1 über Über -e utf-8 babel_vietnamese
expect 1 привет Привет -e utf-8 babel_turkish
