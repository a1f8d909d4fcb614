/*
 * name.c - this program's.
 */

#include "name.h"

const char program_name[] = "ws-tls";
