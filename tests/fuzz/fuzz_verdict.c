/*
 * fuzz_verdict.c - whatever a hook says: what is read of it is there, in its
 * order; no variable has a name that others look for, no field is one of ours or
 * breaks a line, and what is no refusal is no status.
 */

#ifdef PLANTED
/* The bug: the case of letters matters to what is read here. */
#include <string.h>
#include "../../lib/ascii.h"
#define ascii_same_n(a, b, n) (strncmp(a, b, n) == 0)
#include "../../ws-cgi/admit/verdict.c"
#undef ascii_same_n
#endif

#include "admit/verdict.h"
#include "fuzz.h"

enum { REFUSED = 1 };

/* Visible ASCII and more, with spaces and tabs: RFC 9110 5.5. */
static bool
is_visible(const char *text)
{
	for (; *text != '\0'; text++)
		if (((uint8_t)*text < ' ' && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

static void
check_variable(const char *variable)
{
	const size_t name = strcspn(variable, "=");

	must(variable[name] == '=' && name > strlen("ADMIT_"));
	must(strncmp(variable, "ADMIT_", 6) == 0);
	must(strspn(variable, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == name);
	must(strncmp(variable + name + 1, "() {", 4) != 0);
	must(is_visible(variable));
}

/* Names that, in any case, begin no field that is passed on. */
static void
check_field(const char *field)
{
	static const char *const never[] = { "connection:", "upgrade:", "date:",
		"content-length:", "transfer-encoding:", "trailer:", "status:",
		"variable-", "sec-websocket-" };

	must(is_visible(field) && strcspn(field, ":") > 0);
	must(strcspn(field, " \t") > strcspn(field, ":"));
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		must(strncasecmp(field, never[i], strlen(never[i])) != 0);
}

static void
check(const struct verdict *v, const char *text, size_t size, bool refused)
{
	must(v->status == 0 ||
	    (v->status >= 300 && v->status <= 599 && v->status != 304));
	must(v->status != 0 || (!refused && v->size == 0));
	must(v->body + v->size == text + size);
	must(v->variables <= VERDICT_MOST && v->fields <= VERDICT_MOST);
	for (size_t i = 0; i < v->variables; i++) {
		check_variable(v->variable[i]);
		for (size_t k = 0; k < i; k++)
			must(strncmp(v->variable[i], v->variable[k],
				 strcspn(v->variable[i], "=") + 1) != 0);
	}
	for (size_t i = 0; i < v->fields; i++)
		check_field(v->field[i]);
	if (v->user != NULL)
		must(*v->user != '\0' && strlen(v->user) <= 255 &&
		    is_visible(v->user));
	if (v->protocol != NULL)
		must(is_visible(v->protocol));
}

/* The body is what stands behind the first empty line, as it came. */
static void
check_body(const struct verdict *v, const struct input *in)
{
	const uint8_t *body = in->p + in->n - v->size;

	must(memcmp(v->body, body, v->size) == 0);
	must(v->size == 0 || body > in->p);
	must(v->size == 0 || body[-1] == '\n');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;
	struct verdict v;
	const char *why = NULL;
	bool refused;
	char *text;
	int line = -1;

	if (!input_read(&in, data, size))
		return 0;
	refused = (in.flags & REFUSED) != 0;
	text = malloc(in.n + 1);
	must(text != NULL);
	memcpy(text, in.p, in.n);
	if (verdict_read(&v, text, in.n, refused, &line, &why) == 0) {
		check(&v, text, in.n, refused);
		check_body(&v, &in);
	} else {
		must(why != NULL && line >= 0);
	}
	free(text);
	return 0;
}
