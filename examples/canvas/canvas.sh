#!/bin/sh
# A sheet for all who connect: a stroke is a line at the end of a file, $1, and
# everybody follows that file.  1 MiB is all it takes; then a new sheet is due,
# which anybody may ask for.

sheet=${1:?usage: canvas.sh FILE}
stroke='[0-6] [1-9][0-9]?( [0-9]{1,4} [0-9]{1,4}){1,48}' # colour, width, points
ulimit -f 2048 # of 512 bytes
trap '' XFSZ

: >>"$sheet"
tail -n +1 -F "$sheet" 2>/dev/null &
LC_ALL=C grep --line-buffered -Eax "new|$stroke" | while IFS= read -r line; do
	[ "$line" = new ] && rm -f "$sheet" && echo >>"$sheet" # ends a cut line
	printf '%s\n' "$line" >>"$sheet"
done 2>/dev/null
kill $!
wait
