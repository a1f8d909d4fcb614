#!/bin/sh
# The first service: a message is a line in, a line out is a message.

echo "Hello $REMOTE_ADDR, process $$ is yours."
n=0
while IFS= read -r line; do
	n=$((n + 1))
	printf '%d: ' "$n"
	printf '%s\n' "$line" | tr '[:lower:]' '[:upper:]'
done
