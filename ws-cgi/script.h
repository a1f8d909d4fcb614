/*
 * script.h - the command line of a CGI program, in the file that the web server
 * was asked for:
 *
 *	#!/usr/local/bin/ws-cgi
 *	# what stands here is nobody's but who wrote it
 *	--format json
 *	--origin https://example.org
 *	/usr/local/libexec/chat
 *	an argument of it, spaces and all
 *
 * An option is a line that begins with "-", its argument the rest behind the
 * first space.  The first other line is the program or bridge, and each line
 * behind that is an argument.  Until then empty lines and those with # count
 * for nothing.
 */

#ifndef SCRIPT_H
#define SCRIPT_H

/*
 * The command line of the script that we are to interpret: argv[1], if it is
 * the file of SCRIPT_FILENAME, which a query cannot name.  It lasts as long as
 * the process.  Returns NULL with *why, a reason in words, when there is none.
 */
char **script_read(char *const argv[], int *argc, const char **why);

#endif
