/*
 * preface.h - what comes before the request: a PROXY header, where the command
 * line says so (trust.header), and then always.
 */

#ifndef PREFACE_H
#define PREFACE_H

#include <ws.h>

#include "arrive.h"

/*
 * Read it, within the time of the handshake and no byte more, and learn from
 * it who the client is.  Returns 0, or an exit status after having said what
 * is wrong; but who comes and goes without a word is not worth one.
 */
int preface_read(struct arrival *, const struct trust *,
    const struct ws_conf *);

#endif
