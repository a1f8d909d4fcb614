/*
 * aside.h - data on pages of its own.  After a fork(2) each page that is written
 * to, by the child or its parent, is copied, whatever else is on it.
 */

#ifndef ASIDE_H
#define ASIDE_H

#define ASIDE _Alignas(4096)

#endif
