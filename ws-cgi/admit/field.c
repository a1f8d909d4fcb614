/*
 * field.c - names and values of fields.  Refuses to know what they are for.
 */

#include <string.h>

#include "ascii.h"
#include "field.h"
#include "http.h"

static const char *const ours[] = { "Upgrade", "Connection", "Content-Length",
	"Transfer-Encoding", "Trailer" };

size_t
field_name(const char *text)
{
	const size_t len = strcspn(text, ":");

	return text[len] == ':' && http_is_token(text, len) ? len : 0;
}

bool
field_is_value(const char *text)
{
	for (; *text != '\0'; text++)
		if (((unsigned char)*text < 0x20 && *text != '\t') ||
		    *text == 0x7f)
			return false;
	return true;
}

bool
field_is_ours(const char *name, size_t len)
{
	static const char prefix[] = "Sec-WebSocket-";

	if (len >= strlen(prefix) && ascii_same_n(name, prefix, strlen(prefix)))
		return true;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strlen(ours[i]) == len && ascii_same_n(name, ours[i], len))
			return true;
	return false;
}
