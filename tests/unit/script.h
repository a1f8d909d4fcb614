/*
 * script.h - frames as one reads them, to and from bytes.
 *
 *	t(hello)  b(\00\ff)  t-(hel) +-(l) +(o)    - is for "FIN is not set"
 *	ping(x)  pong(x)  close()  close(1000 bye)
 *	t(*70000)                                  that many times x
 *	&t(hello)                                  masked
 *	{c1 05 ...}                                bytes as they are
 *	?3(..)                                     opcode 3
 *
 * It is written without the library, so that each checks the other.
 */

#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Script to bytes, ended by a NUL that is not counted.  Free them. */
uint8_t *script_bytes(const char *script, size_t *n);

/* Bytes to script; "..." says that the last frame is not whole.  Free it. */
char *script_text(const uint8_t *p, size_t n);

/* Write one frame: its first byte, then length and payload. */
void script_frame(FILE *, uint8_t first, bool masked, const uint8_t *p,
    size_t n);

#endif
