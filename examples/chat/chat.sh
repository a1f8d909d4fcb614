#!/bin/sh
# A room for all who connect: what is said is a line at the end of a file, $1,
# and everybody follows that file.

room=${1:?usage: chat.sh FILE}
IFS= read -r name || exit 0

say() {
	printf '%s\n' "$*" >>"$room"
}

say "* $name came"
tail -n 20 -f "$room" &
while IFS= read -r line; do
	say "$name: $line"
done
say "* $name left"
kill $!
