#!/usr/bin/env perl
# The first service: a message is a line in, a line out is a message.
use strict;
use warnings;
use open qw(:std :encoding(UTF-8));

$| = 1;
print "Hello $ENV{REMOTE_ADDR}, process $$ is yours.\n";
print "$.: ", uc while <STDIN>;
