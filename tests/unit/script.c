/*
 * script.c - frames as one reads them, to and from bytes.
 */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "unit.h"

enum { FIN = 0x80, MASK = 0x80, CLOSE = 8, LONG = 40 };

static const char *const names[16] = { [0] = "+",
	[1] = "t",
	[2] = "b",
	[CLOSE] = "close",
	[9] = "ping",
	[10] = "pong" };
static const uint8_t key[4] = { 0x37, 0xfa, 0x21, 0x3d };

static const char *
read_opcode(const char *s, uint8_t *opcode)
{
	size_t len;

	if (*s == '?') {
		*opcode = (uint8_t)strtoul(s + 1, NULL, 16);
		return s + 2;
	}
	for (uint8_t i = 0; i < COUNT(names); i++) {
		len = names[i] == NULL ? 0 : strlen(names[i]);
		if (len > 0 && strncmp(s, names[i], len) == 0 &&
		    strchr("-(", s[len]) != NULL) {
			*opcode = i;
			return s + len;
		}
	}
	ck_abort_msg("no frame: %s", s);
	return NULL;
}

/* Text up to the parenthesis, in which \xx is a byte, or a count of x. */
static const char *
read_payload(const char *s, FILE *to)
{
	char *end;
	unsigned long n;

	if (*s == '*') {
		for (n = strtoul(s + 1, &end, 10); n > 0; n--)
			putc('x', to);
		return end + 1;
	}
	for (; *s != ')'; s++) {
		ck_assert_int_ne(*s, '\0');
		if (*s == '\\') {
			const char digits[3] = { s[1], s[2], '\0' };

			putc((int)strtoul(digits, NULL, 16), to);
			s += 2;
		} else {
			putc(*s, to);
		}
	}
	return s + 1;
}

/* The code of a Close comes first, as two bytes. */
static const char *
read_code(const char *s, FILE *to)
{
	char *end;
	unsigned long code = strtoul(s, &end, 10);

	if (end == s)
		return s;
	putc((int)(code >> 8), to);
	putc((int)(code & 0xff), to);
	return *end == ' ' ? end + 1 : end;
}

void
script_frame(FILE *to, uint8_t first, bool masked, const uint8_t *p, size_t n)
{
	int bytes = n > 65535 ? 8 : n > 125 ? 2 : 0;
	int len7 = bytes == 8 ? 127 : bytes == 2 ? 126 : (int)n;

	putc(first, to);
	putc(len7 | (masked ? MASK : 0), to);
	for (int i = bytes; i > 0; i--)
		putc((int)((uint64_t)n >> 8 * (i - 1) & 0xff), to);
	if (masked)
		fwrite(key, 1, sizeof(key), to);
	for (size_t i = 0; i < n; i++)
		putc(masked ? p[i] ^ key[i % 4] : p[i], to);
}

static const char *
read_frame(const char *s, FILE *to)
{
	bool masked = *s == '&', fin;
	uint8_t opcode = 0;
	char *payload;
	size_t n;
	FILE *f = open_memstream(&payload, &n);

	ck_assert_ptr_nonnull(f);
	s = read_opcode(s + masked, &opcode);
	fin = *s != '-';
	s += fin ? 1 : 2;
	if (opcode == CLOSE)
		s = read_code(s, f);
	s = read_payload(s, f);
	fclose(f);
	script_frame(to, (uint8_t)((fin ? FIN : 0) | opcode), masked,
	    (uint8_t *)payload, n);
	free(payload);
	return s;
}

static const char *
read_bytes(const char *s, FILE *to)
{
	unsigned byte;

	for (s++; *s != '}'; s += *s == ' ' ? 1 : 2)
		if (*s != ' ' && sscanf(s, "%2x", &byte) == 1)
			putc((int)byte, to);
	return s + 1;
}

uint8_t *
script_bytes(const char *s, size_t *n)
{
	char *bytes;
	FILE *to = open_memstream(&bytes, n);

	ck_assert_ptr_nonnull(to);
	while (*s != '\0')
		if (*s == ' ')
			s++;
		else if (*s == '{')
			s = read_bytes(s, to);
		else
			s = read_frame(s, to);
	fclose(to);
	return (uint8_t *)bytes;
}

/* A payload as scripts have it. */
static void
write_payload(FILE *to, const uint8_t *p, size_t n)
{
	size_t same = 0;

	while (same < n && p[same] == 'x')
		same++;
	if (same == n && n > LONG) {
		fprintf(to, "*%zu", n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] > 0x7e || strchr("\\()*", p[i]) != NULL)
			fprintf(to, "\\%02x", p[i]);
		else
			putc(p[i], to);
}

/* The head at p.  Returns its size, and 0 when it is not all there. */
static size_t
parse_head(const uint8_t *p, size_t size, uint64_t *length)
{
	size_t len7, bytes, head;

	if (size < 2)
		return 0;
	len7 = p[1] & 0x7f;
	bytes = len7 == 127 ? 8 : len7 == 126 ? 2 : 0;
	head = 2 + bytes + ((p[1] & MASK) != 0 ? sizeof(key) : 0);
	if (size < head)
		return 0;
	*length = bytes == 0 ? len7 : 0;
	for (size_t i = 0; i < bytes; i++)
		*length = *length << 8 | p[2 + i];
	return head;
}

static void
write_text(FILE *to, const uint8_t *head, size_t size, const uint8_t *payload,
    size_t n)
{
	uint8_t opcode = head[0] & 0xf;
	bool masked = (head[1] & MASK) != 0;
	uint8_t *p = malloc(n + 1);

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < n; i++)
		p[i] =
		    masked ? payload[i] ^ head[size - 4 + i % 4] : payload[i];
	if ((head[0] & 0x70) != 0 || names[opcode] == NULL)
		fprintf(to, "{%02x}", head[0]);
	fprintf(to, "%s%s%s(", masked ? "&" : "",
	    names[opcode] == NULL ? "?" : names[opcode],
	    (head[0] & FIN) != 0 ? "" : "-");
	if (opcode == CLOSE && n >= 2) {
		fprintf(to, "%d%s", p[0] << 8 | p[1], n > 2 ? " " : "");
		write_payload(to, p + 2, n - 2);
	} else {
		write_payload(to, p, n);
	}
	putc(')', to);
	free(p);
}

char *
script_text(const uint8_t *p, size_t n)
{
	char *text;
	size_t size, head;
	uint64_t length;
	FILE *to = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(to);
	for (size_t at = 0; at < n; at += head + (size_t)length) {
		if (at > 0)
			putc(' ', to);
		head = parse_head(p + at, n - at, &length);
		if (head == 0 || length > n - at - head) {
			fputs("...", to);
			break;
		}
		write_text(to, p + at, head, p + at + head, (size_t)length);
	}
	fclose(to);
	return text;
}
