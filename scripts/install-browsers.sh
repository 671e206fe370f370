#!/usr/bin/env bash
# The browsers of the conformance suite, from Debian, where they are missing: Chromium, Firefox, and WebKitGTK's
# MiniBrowser with its driver and a virtual display.
set -euo pipefail

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need chromium chromium
need firefox-esr firefox-esr
need WebKitWebDriver webkit2gtk-driver
need Xvfb xvfb

((${#missing[@]})) || exit 0
if (($(id -u))); then
  echo "Missing ${missing[*]}: run as root, or have them installed" >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
