#!/usr/bin/env node
// The first service: a message is a line in, a line out is a message.
"use strict";
const { env, pid, stdin } = process;
const lines = require("readline").createInterface({ input: stdin });
let n = 0;

console.log(`Hello ${env.REMOTE_ADDR}, process ${pid} is yours.`);
lines.on("line", (line) => console.log(`${++n}: ${line.toUpperCase()}`));
