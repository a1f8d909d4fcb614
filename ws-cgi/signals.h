/*
 * signals.h - the signals of each process, taken where nothing is half done.
 *
 * Handlers set a flag and no more.  A process that waits in ppoll(2) keeps its
 * signals blocked and lets them in there, with signals_open as the mask.  One
 * that blocks in read(2) lets them in always; lest a signal be missed just
 * before such a call, the flag is followed by an alarm each second.  A listener
 * never lets them in, since ppoll takes none while it always finds work: it
 * polls a descriptor for them.
 */

#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>
#include <stdbool.h>

extern volatile sig_atomic_t
    signals_stop; /* SIGTERM, SIGINT, SIGHUP: how many */
extern volatile sig_atomic_t
    signals_restart; /* SIGHUP in a listener, since it was cleared */
extern volatile sig_atomic_t signals_child; /* SIGCHLD since it was cleared */
extern sigset_t signals_open;		    /* the mask to wait with */

/*
 * SIGUSR1 asks for figures: tell gives them, within signals_answer, which is
 * called behind each wait.  NULL: there is nobody to tell.
 */
void signals_on_figures(void (*tell)(void *arg), void *arg);
void signals_answer(void);

/* Before either of these: SIGUSR1 does not end us. */
void signals_early(void);

/* Take signals while waiting in ppoll alone, or at any time. */
void signals_when_polling(void);
void signals_always(void);

/* From the next of these on, this signal stops, too. */
void signals_stop_at(int sig);

/*
 * A descriptor that is readable while a signal is kept blocked, signalfd(2), or
 * -1 with errno set; and to do, once it is readable, what handlers would, but
 * for SIGCHLD: it is returned whether that came.  If more signals are left, it
 * stays readable.
 */
int signals_descriptor(void);
bool signals_fetch(int fd);

/* Let them in now: for who may for long find work and not wait. */
void signals_let_in(void);

/* Until one of these is called again, SIGHUP does not count as a stop. */
void signals_restart_on_hangup(void);

/*
 * Programs begin with no signal ignored.  Which of them are is to be learned
 * before, of which once is enough; the other is for a child of vfork(2).
 */
void signals_learn(void);
void signals_default(void);

/* "SIGTERM" */
const char *signals_name(int sig, char *buf, size_t size);

#endif
