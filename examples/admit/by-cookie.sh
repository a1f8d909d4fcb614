#!/bin/sh
# A hook: ws-cgi --admit 'by-cookie.sh DIRECTORY' asks it who may come in.
#
# A session is a file in the directory: its name is what the cookie "session"
# holds, its first line is the user's name.  Who signs users in makes the file,
# and removes it when they leave.  Nothing but the shell is started.

directory=$1

session=
rest="$HTTP_COOKIE; "
while [ -n "$rest" ] && [ -z "$session" ]; do
	one=${rest%%; *}
	rest=${rest#*; }
	case $one in
	session=*) session=${one#session=} ;;
	esac
done

case $session in
'' | *[!0-9A-Za-z]*) # nothing that could be a path
	;;
*)
	if read -r user < "$directory/$session"; then
		printf 'Variable-REMOTE_USER: %s\n' "$user"
		exit 0
	fi 2>/dev/null
	;;
esac

printf "%s\n" "Status: 403 Forbidden" "Content-Type: text/plain" "" \
	"Please sign in first."
