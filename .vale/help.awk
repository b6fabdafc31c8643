# Makes running text of help.md for the prose linter: what each command does, and a paragraph for each flag.
/^```/ { print ""; next }
/^(Usage|Examples|Commands):/ { skip = 1 }
/^(Flags|Global flags):/ { skip = 0 }
/^## / { skip = 0; print; print ""; next }
skip { next }
/^ +-/ { print "" }
{ sub(/^ +/, ""); print }
