/*
 * version.h - the one place where the version stands; CHANGES tells its story.
 */

#ifndef VERSION_H
#define VERSION_H

#define WS_CGI_VERSION "0.1.0"

#endif
