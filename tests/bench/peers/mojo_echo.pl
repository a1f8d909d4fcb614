#!/usr/bin/perl
# mojo_echo.pl PORT - an echo with Mojolicious, in one process.

use Mojolicious::Lite -signatures;
use Mojo::Server::Daemon;

app->mode('production');
app->log->level('fatal');

# These two events hand a payload over as it came, in bytes.
websocket '/' => sub ($c) {
    $c->inactivity_timeout(0);
    $c->tx->max_websocket_size(16 << 20);
    $c->on(text   => sub ($c, $bytes) { $c->send({text   => $bytes}) });
    $c->on(binary => sub ($c, $bytes) { $c->send({binary => $bytes}) });
};

Mojo::Server::Daemon->new(
    app         => app,
    listen      => ["http://127.0.0.1:$ARGV[0]"],
    backlog     => 4096,
    max_clients => 65536,
    silent      => 1,
)->run;
