#!/bin/sh
# A long job, started by a line "start": its progress in percent, and its
# result.  It ends with the page that watches it.

while read -r command; do
	[ "$command" = start ] || { echo "no such command"; continue; }
	done=0
	while [ "$done" -lt 100 ]; do
		sleep "${1:-0.1}" # the work
		done=$((done + 1))
		echo "$done"
	done
	date '+finished at %H:%M:%S'
done
