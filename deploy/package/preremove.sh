#!/bin/sh
# Before the files go. An upgrade, for which dpkg says "upgrade" and rpm 1, keeps the worker.
set -e
case "$1" in
  remove | 0)
    if [ -d /run/systemd/system ]; then
      systemctl disable --now mixduck-worker.service
    fi
    ;;
esac
