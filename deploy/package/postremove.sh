#!/bin/sh
# After the files are gone. Databases in /var/lib/mixduck and secrets in /etc/mixduck stay, and so does the user that owns them.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
