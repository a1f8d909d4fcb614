/*
 * figures.h - how a listener stands, to who asks by SIGUSR1.
 */

#ifndef FIGURES_H
#define FIGURES_H

/* In the title and as a line in the log; of a struct listener. */
void figures_tell(void *listener);

#endif
