/*
 * superserver.h - who the client is, by the word of who started us.
 */

#ifndef SUPERSERVER_H
#define SUPERSERVER_H

#include "arrive.h"

/*
 * Where the socket is but that of a relay on this machine, or there is none,
 * the variables of tcpserver and its kin, systemd, xinetd, stunnel, ncat and
 * socat tell the peer and our end.
 */
void superserver_name(struct arrival *);

#endif
