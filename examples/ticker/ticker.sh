#!/bin/sh
# The load of this machine, every $1 seconds (1), as a number a line.

while read -r load _ </proc/loadavg; do
	echo "$load"
	sleep "${1:-1}"
done
