#!/bin/sh
# Runs before the files are removed. In an upgrade (argument "upgrade" from dpkg, 1 from rpm) the worker keeps running.
set -e
case "$1" in
  remove | 0)
    if [ -d /run/systemd/system ]; then
      systemctl disable --now mixduck-worker.service
    fi
    ;;
esac
