#!/bin/sh
# Runs after the files are removed. Databases in /var/lib/mixduck, secrets in /etc/mixduck, and their user stay.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
