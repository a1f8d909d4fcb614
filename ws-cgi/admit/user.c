/*
 * user.c - names of users.  Refuses to know who they are.
 */

#include <stdint.h>
#include <string.h>

#include "user.h"
#include "utf8.h"

static int
wrong(const char **why, const char *what)
{
	*why = what;
	return -1;
}

int
user_check(const char *name, const char **why)
{
	const size_t len = strlen(name);
	struct utf8 u = { 0 };

	if (len == 0)
		return wrong(why, "there is no name");
	if (len > USER_NAME)
		return wrong(why, "its name is longer than 255 bytes");
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return wrong(why, "its name holds a control character");
	if (utf8_feed(&u, (const uint8_t *)name, len) < len || !utf8_whole(&u))
		return wrong(why, "its name is not UTF-8");
	return 0;
}
