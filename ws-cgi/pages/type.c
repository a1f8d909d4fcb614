/*
 * type.c - the types of what pages are made of.  All else is bytes: browsers
 * are told not to guess.
 */

#include <stddef.h>
#include <string.h>

#include "ascii.h"
#include "type.h"

static const struct type {
	const char *suffix;
	const char *type;
} types[] = {
	{ "/", "text/html; charset=utf-8" },
	{ ".html", "text/html; charset=utf-8" },
	{ ".htm", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mjs", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".md", "text/markdown; charset=utf-8" },
	{ ".csv", "text/csv; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".map", "application/json" },
	{ ".webmanifest", "application/manifest+json" },
	{ ".xml", "application/xml" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".jpg", "image/jpeg" },
	{ ".jpeg", "image/jpeg" },
	{ ".gif", "image/gif" },
	{ ".webp", "image/webp" },
	{ ".avif", "image/avif" },
	{ ".ico", "image/x-icon" },
	{ ".woff", "font/woff" },
	{ ".woff2", "font/woff2" },
	{ ".mp3", "audio/mpeg" },
	{ ".ogg", "audio/ogg" },
	{ ".wav", "audio/wav" },
	{ ".mp4", "video/mp4" },
	{ ".webm", "video/webm" },
	{ ".wasm", "application/wasm" },
	{ ".pdf", "application/pdf" },
	{ ".zip", "application/zip" },
	{ ".gz", "application/gzip" },
};

const char *
type_of(const char *path)
{
	const char *name = strrchr(path, '/');
	const char *suffix = strrchr(path, '.');

	if (name != NULL && (name[1] == '\0' || suffix < name))
		suffix = name;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (suffix != NULL && ascii_same(suffix, types[i].suffix))
			return types[i].type;
	return "application/octet-stream";
}
