#!/usr/bin/env bash
# What tests compare with, from Debian, where it is missing: sclite (sctk), pocketsphinx with its model of English and
# some speech, Redis, and PyTorch for Debian's Python.
set -euo pipefail

missing=()
command -v sctk >/dev/null || missing+=(sctk)
command -v pocketsphinx_batch >/dev/null || missing+=(pocketsphinx)
[ -d /usr/share/pocketsphinx/test/data/librivox ] || missing+=(pocketsphinx-testdata)
[ -d /usr/share/pocketsphinx/model/en-us ] || missing+=(pocketsphinx-en-us)
command -v redis-server >/dev/null || missing+=(redis-server)
/usr/bin/python3 -c 'import torch' 2>/dev/null || missing+=(python3-torch)

((${#missing[@]})) || exit 0
if (($(id -u))); then
  echo "Missing ${missing[*]}: run as root, or have them installed" >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
