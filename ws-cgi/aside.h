/*
 * aside.h - data on pages of its own.  After a fork(2) each page that is written
 * to, by the child or its parent, is copied, whatever else is on it: so what is
 * written for every connection lies together, see aside.ld, and the rest apart.
 */

#ifndef ASIDE_H
#define ASIDE_H

/* Large, or seldom written: it begins a page. */
#define ASIDE _Alignas(4096) __attribute__((section(".bss.aside")))

/* Written before the first fork, and then read. */
#define EARLY __attribute__((section(".bss.early")))

#endif
