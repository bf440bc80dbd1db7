#!/bin/sh
# Installs Debian packages whose command is missing: tools/apt.sh COMMAND PACKAGE [COMMAND PACKAGE ...]
set -eu
missing=""
while [ $# -ge 2 ]; do
  command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
  shift 2
done
[ -n "$missing" ] || exit 0
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  as_root="sudo -n"
  $as_root true 2>/dev/null || { echo "Please install these packages first:$missing" >&2; exit 1; }
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of names
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
