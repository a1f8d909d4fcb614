#!/bin/sh
# Counts to $1, or to 10, one a second, and ends; whoever listens sees it close.

n=0
while [ "$n" -lt "${1:-10}" ]; do
	n=$((n + 1))
	echo "$n"
	sleep "${2:-1}"
done
