/*
 * uws_echo.js PORT - an echo with uWebSockets.
 *
 * npm has it in a package that others make.  Its addon is loaded by name: the
 * package itself, where none fits this Node, is an imitation in JavaScript.
 */
"use strict";

const MEBIBYTE = 1 << 20;
const addon = ["uws", process.platform, process.arch,
	process.versions.modules].join("_");
const uws = require("@trufflesuite/uws-js-unofficial/binaries/" + addon);

uws.App().ws("/*", {
	compression: uws.DISABLED,
	idleTimeout: 0,
	maxPayloadLength: 16 * MEBIBYTE,
	maxBackpressure: 64 * MEBIBYTE,	/* more than that would be dropped */
	message: (connection, data, isBinary) =>
	    connection.send(data, isBinary),
}).listen("127.0.0.1", Number(process.argv[2]), (listening) => {
	if (!listening)
		process.exit(1);
});
