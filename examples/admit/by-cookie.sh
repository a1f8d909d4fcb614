#!/bin/sh
# A hook: ws-cgi --admit 'by-cookie.sh DIRECTORY' asks it who may come in.
#
# A session is a file in the directory: its name is what the cookie "session"
# holds, its first line is the user's name.  Who signs users in makes the file,
# and removes it when they leave.

directory=$1

# The value of the cookie named $1; nothing if there is none.
cookie()
{
	printf '%s' "$HTTP_COOKIE" | tr ';' '\n' | sed -n "s/^ *$1=//p" |
	    head -n 1
}

session=$(cookie session)
case $session in
'' | *[!0-9A-Za-z]*)	# nothing that could be a path
	;;
*)
	if read -r user < "$directory/$session"; then
		printf 'Variable-REMOTE_USER: %s\n' "$user"
		exit 0
	fi 2>/dev/null
	;;
esac

cat <<END
Status: 403 Forbidden
Content-Type: text/plain

Please sign in first.
END
