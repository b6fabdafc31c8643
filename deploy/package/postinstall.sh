#!/bin/sh
# Runs after the files are installed. It starts no worker, because that needs settings first, but restarts a running one.
set -e
if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers mixduck.conf
elif ! getent passwd mixduck >/dev/null; then
  useradd --system --user-group --home-dir /var/lib/mixduck --no-create-home --shell /usr/sbin/nologin mixduck
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart mixduck-worker.service
fi
