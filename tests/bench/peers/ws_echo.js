/*
 * ws_echo.js PORT - an echo with node's ws, from Debian or from npm.
 */
"use strict";

const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
	host: "127.0.0.1",
	port: Number(process.argv[2]),
	backlog: 4096,
	clientTracking: false,	/* a set of all, which an echo does not need */
	perMessageDeflate: false,
});

server.on("connection", (connection) => {
	connection.on("message", (data, isBinary) =>
	    connection.send(data, { binary: isBinary }));
	connection.on("error", () => connection.terminate());
});
