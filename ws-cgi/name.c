/*
 * name.c - this program's; another that is made of the same parts has its own.
 */

#include "name.h"

const char program_name[] = "ws-cgi";
