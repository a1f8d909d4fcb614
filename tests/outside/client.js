/*
 * client - a WebSocket client made with node's ws, for test_clients.py.
 *
 *	NODE_PATH=/usr/share/nodejs node client.js SCENARIO URL [argument ...]
 *
 * Prints what it saw as one line of JSON.  What that ought to be is for the
 * test to say.
 */
"use strict";

const crypto = require("crypto");
const { on, once } = require("events");
const WebSocket = require("ws");

const MEBIBYTE = 1 << 20;

const MADE = {	/* what `echo` sends, by name: text is a string */
	"text": () => "Grüße, 世界 😀",
	"binary": () => Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
	"empty text": () => "",
	"empty binary": () => Buffer.alloc(0),
	"1 MiB of text": () =>
	    crypto.randomBytes(MEBIBYTE / 4 * 3).toString("base64"),
	"1 MiB of binary": () => crypto.randomBytes(MEBIBYTE),
};

/* A message as the test compares it: type, length and hash. */
function summary(data, isBinary) {
	const bytes = Buffer.from(data);
	const hash = crypto.createHash("sha256").update(bytes).digest("hex");

	return [isBinary ? "binary" : "text", bytes.length, hash];
}

async function received(messages) {
	const [data, isBinary] = (await messages.next()).value;

	return summary(data, isBinary);
}

async function closed(ws) {
	const [code, reason] = await once(ws, "close");

	return { code, reason: reason.toString() };
}

/* The program's first message is its pid. */
async function pid(messages) {
	const [data] = (await messages.next()).value;

	return Number(data);
}

const SCENARIOS = {
	/* Send the message of that name. */
	async echo(ws, messages, name) {
		const data = MADE[name]();

		ws.send(data);
		return {
			sent: summary(data, typeof data !== "string"),
			got: await received(messages),
		};
	},

	/* Send a text in three frames, the second one empty. */
	async fragments(ws, messages) {
		ws.send("in frames ", { fin: false });
		ws.send("", { fin: false });
		ws.send("of three", { fin: true });
		return {
			sent: summary("in frames of three", false),
			got: await received(messages),
		};
	},

	/* Three texts, compressed on these terms: what was agreed to, and
	 * whether each came back. */
	async deflate(ws, messages) {
		const texts = [64, 5000, 100000].map((size) =>
		    Array.from({ length: size / 8 }, (_, i) =>
		    String(i * i % 9973).padStart(8)).join(""));
		let same = 0;

		for (const text of texts) {
			ws.send(text);
			const [data] = (await messages.next()).value;
			same += data.toString() === text;
		}
		return { answer: ws.answer || "", same };
	},

	async ping(ws) {
		ws.ping("are you there?");
		const [data] = await once(ws, "pong");

		return { payload: data.toString() };
	},

	async protocol(ws) {
		return { protocol: ws.protocol };
	},

	async close(ws, messages, code, reason) {
		ws.close(Number(code), reason);
		return closed(ws);
	},

	/* Be gone without a Close, once the program has said its pid. */
	async vanish(ws, messages) {
		const program = await pid(messages);

		ws.terminate();
		return { pid: program };
	},

	/* Kill the program. */
	async kill(ws, messages) {
		process.kill(await pid(messages), "SIGKILL");
		return closed(ws);
	},
};

async function main(scenario, url, ...args) {
	const offers = scenario === "protocol" ? args : [];
	const perMessageDeflate = scenario !== "deflate" ||
	    JSON.parse(args[0]);
	const ws = new WebSocket(url, offers, { perMessageDeflate });
	const messages = on(ws, "message");	/* from here on, none is lost */

	ws.once("upgrade", ({ headers }) => {
		ws.answer = headers["sec-websocket-extensions"];
	});
	await once(ws, "open");
	const seen = await SCENARIOS[scenario](ws, messages, ...args);
	console.log(JSON.stringify(seen));
	ws.close();
}

main(...process.argv.slice(2));
