#!/usr/bin/python3
"""Write tests/fuzz/seeds: the examples of RFC 6455, as inputs of the targets.

An input is flags, a count, that many sizes of pieces, and what is delivered in
them (fuzz.h).  Each example is there at once, and in pieces.  One for the whole
program says how it is started, and what the client says then (stdin.c).
"""

import os
import zlib

CLIENT = 1      # flag: we are the client
SMALL = 4       # flag: small limits
PIECES = {'whole': [], 'bytes': [1], 'pieces': [3, 2, 7]}

REQUEST = (b'GET /chat HTTP/1.1\r\nHost: server.example.com\r\n'
           b'Upgrade: websocket\r\nConnection: Upgrade\r\n'
           b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
           b'Origin: http://example.com\r\n'
           b'Sec-WebSocket-Protocol: chat, superchat\r\n'
           b'Sec-WebSocket-Version: 13\r\n\r\n')
HEADS = {
    'request': REQUEST,                                     # RFC 6455 1.2
    'request-frame': REQUEST + bytes.fromhex('818537fa213d7f9f4d5158'),
    'extensions': REQUEST[:-2] +                            # RFC 6455 9.1
        b'Sec-WebSocket-Extensions: foo, bar; baz=2; a="b"\r\n\r\n',
    'firefox': b'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\n'
        b'Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n'
        b'Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n\r\n',
    'response': b'HTTP/1.1 101 Switching Protocols\r\n'     # RFC 6455 1.2
        b'Upgrade: websocket\r\nConnection: Upgrade\r\n'
        b'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n'
        b'Sec-WebSocket-Protocol: chat\r\n\r\n',
    'plain': b'\r\nPOST /a?b HTTP/1.0\r\nContent-Length: 0\r\n\r\n',
}

KEY = '37fa213d'
FRAMES = {                                                  # RFC 6455 5.7
    'hello': (0, '8185' + KEY + '7f9f4d5158'),
    'hello-unmasked': (CLIENT, '810548656c6c6f'),
    'fragments': (CLIENT, '010348656c' '80026c6f'),
    'ping': (0, '8985' + KEY + '7f9f4d5158'),
    'pong-unmasked': (CLIENT, '8a0548656c6c6f'),
    'binary-256': (CLIENT, '827e0100' + '00' * 256),
    'binary-65536': (CLIENT, '827f0000000000010000' + '00' * 16),
    'close-bye': (0, '8885' + KEY + '3412434452'),
    'close-empty': (0, '8880' + KEY),
    'emoji-ping': (0, '0182' + KEY + 'c765' '8981' + KEY + '4f'
                   '8082' + KEY + 'af7a'),
    'control-between': (0, '018100000000' '61' '898000000000'
                        '008100000000' '62' '808000000000'),
    'too-many': (SMALL, '0181000000006100800000000000800000000080800000000000'),
    'surrogate': (0, '819500000000cebae1bdb9cf83cebcceb5eda080656469746564'),
    'not-minimal': (0, '81fe007d' + KEY),
}

TEXTS = {
    'ascii': b'Hello, world: plain text longer than a word of eight bytes',
    'lengths': 'a\u0080\u07ff\u0800\uffff\U00010000\U0010ffff'.encode(),
    'mixed': 'ASCII and \u20ac and \U0001f600 and ASCII again'.encode(),
    'surrogate': bytes.fromhex('cebae1bdb9cf83cebcceb5eda080656469746564'),
    'over': bytes.fromhex('cebae1bdb9cf83cebcceb5f4908080656469746564'),
    'overlong': bytes.fromhex('c0afe08080f0808080'),
}

OBJECTS = {                                                 # RFC 8259
    'text': rb'{"event":"text","data":"gr\u00fcn \"\\\/\b\f\n\r\t"}',
    'close': b' {"event" : "close", "code":4001,\t"reason":""} ',
    'pair': rb'{"a":"\ud83d\ude00","b":"\ud83d","c":"\u0010"}',
    'values': b'{"a":-1.5e+3,"b":0,"c":true,"d":null,"\xc3\xa9":"\xf0\x9f\x98\x80"}',
    'nested': b'{"a":{"b":[1,2]}}',
    'twice': rb'{"a":1,"\u0061":2}',
}

SIGNATURE = '0d0a0d0a000d0a515549540a'
PROXIES = {                                                 # haproxy's own
    'tcp4': b'PROXY TCP4 192.0.2.10 203.0.113.5 56324 443\r\nGET /',
    'tcp6': b'PROXY TCP6 2001:db8::a 2001:db8::5 56324 443\r\n',
    'unknown': b'PROXY UNKNOWN 0 0\r\n',
    'v2-tcp4': bytes.fromhex(SIGNATURE + '21110014c000020acb007105dc0401bb'
                             '2000050100000000'),
    'v2-tcp6': bytes.fromhex(SIGNATURE + '21210024' + '20010db8' * 8
                             + 'dc0401bb'),
    'v2-local': bytes.fromhex(SIGNATURE + '20000000'),
    'v2-unix': bytes.fromhex(SIGNATURE + '213100d8' + '2f' * 216),
    'v2-unknown': bytes.fromhex(SIGNATURE + '21000003' + '040000'),
    'v2-tls': bytes.fromhex(SIGNATURE + '2111001f' 'c000020acb007105dc0401bb'
                            '01000268' '32' '20000801' '00000000' '210000'
                            '0400' '00'),
}

TOKENS = 1      # flag: a file of tokens
DIGITS = b'abcdefghijABCDEFGHIJ./01234567890123456789012'
USERS = {
    'bcrypt': (0, b'# users\n\nanna:$2b$10$' + DIGITS + b'1234567890\n'),
    'sha512': (0, b'a:$6$rounds=5000$s$' + DIGITS[:43] * 2 + b'\nb:x\n'),
    'yescrypt': (0, b'zo\xc3\xab:$y$j9T$salt$' + DIGITS[:43]),
    'md5': (0, b'a:$apr1$s$' + DIGITS[:22] + b'\n'),
    'token': (TOKENS, b'robot sha256:' + b'0123456789abcdef' * 4 + b'\n#\n'),
}
REFUSED = 1
VERDICTS = {
    'user': (0, b'Variable-REMOTE_USER: anna\nVariable-ADMIT_ROOM: 7\n'),
    'protocol': (0, b'Sec-WebSocket-Protocol: chat\r\nSet-Cookie: a=b\r\n'),
    'page': (0, b'Status: 403 Forbidden\nContent-Type: text/html\n\n<p>\n'),
    'asks': (REFUSED, b'Status: 401\nWWW-Authenticate: Basic realm="a"\n\n'),
    'moves': (REFUSED, b'Status: 302\nLocation: /in\n'),
    'body': (REFUSED, b'\nno\n'),
    'wrong': (0, b'Status: 200 OK\n'),
    'forged': (0, b'Variable-LD_PRELOAD: x\nContent-Length: 0\n'),
}
FORWARDED = {                                               # RFC 7239 4
    'plain': (0, b'192.0.2.43, 127.0.0.1, 127.0.0.2'),
    'six': (0, b'[2001:db8:cafe::17]:4711, unknown, 2001:db8::1'),
    'for': (1, b'for="_gazonk"'),
    'mixed': (1, b'For="[2001:db8:cafe::17]:4711"'),
    'all': (1, b'for=192.0.2.60;proto=http;by=203.0.113.43;host="a.b"'),
    'several': (1, b'for=192.0.2.43, for="\\1\"27.0.0.1", for=127.0.0.1'),
}


def scgi(*variables):
    """What a web server says first: a netstring of names and values."""
    data = b''.join(b'%s\0%s\0' % variable for variable in
                    [(b'CONTENT_LENGTH', b'0'), (b'SCGI', b'1'), *variables])
    return b'%d:%s,' % (len(data), data)


REQUESTS = {                                                # RFC 3875 4.1
    'least': scgi(),
    'upgrade': scgi(
        (b'REQUEST_METHOD', b'GET'), (b'SERVER_PROTOCOL', b'HTTP/1.1'),
        (b'REQUEST_URI', b'/chat?a=b'), (b'HTTP_HOST', b'example.com'),
        (b'HTTP_UPGRADE', b'websocket'), (b'HTTP_CONNECTION', b'Upgrade'),
        (b'HTTP_SEC_WEBSOCKET_VERSION', b'13'),
        (b'HTTP_SEC_WEBSOCKET_KEY', b'dGhlIHNhbXBsZSBub25jZQ==')),
    'parts': scgi(
        (b'REQUEST_METHOD', b'GET'), (b'SERVER_PROTOCOL', b'HTTP/1.1'),
        (b'SCRIPT_NAME', b'/a b'), (b'PATH_INFO', b'/%?'),
        (b'QUERY_STRING', b'c=d'), (b'SERVER_NAME', b'example.com'),
        (b'SERVER_PORT', b'80'), (b'CONTENT_LENGTH', b'5')),
    'twice': scgi((b'HTTP_X', b'1'), (b'HTTP_X', b'2'), (b'HTTP_', b'3')),
    'break': scgi((b'HTTP_X', b'1\r\nY: 2'), (b'PATH_INFO', b'/\n')),
    'equals': scgi((b'A=', b'b')),
    'no-comma': scgi()[:-1] + b';',
}


P = b'permessage-deflate'
OFFERS = {                                                  # RFC 7692 7.1
    'least': (0, P),
    'client-window': (16, P + b'; client_max_window_bits'),
    'windows': (0, P + b'; client_max_window_bits=10; '
                b'server_max_window_bits="12"'),
    'alone': (1, P + b';server_no_context_takeover ;\t'
              b'client_no_context_takeover'),
    'all': (5, P + b'; server_no_context_takeover; client_no_context_takeover'
            b'; server_max_window_bits=9; client_max_window_bits=8'),
    'answer': (2, P + b'; server_max_window_bits=15'),
    'answer-all': (2, P + b'; client_max_window_bits=9; '
                   b'client_no_context_takeover; server_max_window_bits=9'),
    'other': (0, b'foo; bar=1'),
}


def deflated(*texts):
    """Messages one after another, each compressed with what was before."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    for text in texts:
        yield (deflater.compress(text)
               + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def sized(how, *messages):
    return bytes([how]) + b''.join(
        len(message).to_bytes(2, 'big') + message for message in messages)


HELLO = bytes.fromhex('f248cdc9c90700')                     # RFC 7692 7.2.3
AGAIN = bytes.fromhex('f200110000')
STORED = bytes.fromhex('000500faff48656c6c6f00')
ENDED = bytes.fromhex('f348cdc9c9070000')
BLOCKS = bytes.fromhex('f24805000000ffffcac9c90700')
JSON = b'{"event":"text","data":"a b c","n":%d}'
DEFLATED = {        # flags, and messages
    'hello': (0x70, sized(0, HELLO, AGAIN)),
    'stored': (0x70, sized(0, STORED, b'\0', HELLO)),
    'ended': (0x70, sized(0, ENDED, HELLO)),
    'ended-past': (0x70, sized(0, ENDED, HELLO, AGAIN, AGAIN)),
    'tail': (0x78, sized(0, bytes.fromhex('000500faff78'), AGAIN)),
    'blocks': (0x7c, sized(0, BLOCKS, BLOCKS)),
    'alone': (0x72, sized(0, HELLO, HELLO)),
    'dynamic': (0x74, sized(0, *deflated(*(
        JSON % i * 10 for i in range(99, 103))))),
    'bomb': (0x70, sized(0, *deflated(bytes(65536), bytes(65537)))),
    'back': (0x71, sized(0x2c, b'Hello', b'Hello, Hello', JSON * 20)),
    'back-small': (0x1f, sized(0x48, JSON * 40, b'a' * 700, JSON * 3)),
    'back-near': (0x15, sized(5, bytes(range(256)) * 3, JSON * 9)),
}


def masked(first, payload):
    """A client's frame, whose mask is no change."""
    return bytes([first, 0x80 | len(payload)]) + bytes(4) + payload


CLOSE = masked(0x88, b'\x03\xe8bye')
TALKS = {           # flags, and frames: RSV1 is 0x40
    'hello': (0, masked(0xc1, HELLO) + masked(0xc1, AGAIN) + CLOSE),
    'plain': (0, masked(0x81, b'Hello') + masked(0xc2, STORED)
              + masked(0x89, b'?') + CLOSE),
    'fragments': (2, masked(0x41, HELLO[:3]) + masked(0x89, b'')
                  + masked(0, HELLO[3:5]) + masked(0x80, HELLO[5:])),
    'text': (4, masked(0xc1, bytes.fromhex('000500faff4772c3bc6e00'))),
    'alone': (8, masked(0xc1, HELLO) + masked(0xc1, ENDED) + CLOSE),
    'long': (16, b''.join(masked(0xc1, m) for m in deflated(
        *(JSON % i for i in range(5))))),
    'bomb': (1, masked(0xc2, *deflated(bytes(2000)))),
}


ENVIRONS = {        # flags, and field lines, a head, or variables
    'fields': (0, b'Proxy: http://a/\r\nX-A: 1\r\nx-a: 2\r\nCookie: a=b\r\n'
               b'Cookie: c=d\r\nAuthorization: x\r\nX-B: () { :; }; x\r\n'),
    'odd': (0, b"X.a: 1\r\nX~B!: 2\r\nHTTP: 3\r\n-: 4\r\nA: \xff\r\n"),
    'head': (4, REQUEST),
    'target': (4, REQUEST.replace(b'/chat', b'http://b:81/a%20b/%C3%A9?() {')),
    'vars': (1, b'REQUEST_METHOD=GET\nREQUEST_URI=/a?b\nHTTP_HOST=a\n'
             b'SERVER_PROTOCOL=HTTP/1.1\nPATH_INFO=/a\nQUERY_STRING=() { x\n'
             b'HTTP_PROXY=x\nHTTP_UPGRADE=websocket\nLD_PRELOAD=x\n'
             b'HTTP_CONNECTION=upgrade\nHTTP_SEC_WEBSOCKET_VERSION=13\n'
             b'HTTP_SEC_WEBSOCKET_KEY=dGhlIHNhbXBsZSBub25jZQ==\n'
             b'REMOTE_ADDR=192.0.2.7\nREMOTE_PORT=1\nSSL_A=1\nHTTPS=on\n'
             b'WANTED=1\nWANTED_A=2\nHTTP_COOKIE=a'),
    'inherits': (11, b'REQUEST_METHOD=GET\nREQUEST_URI=/\nHTTP_HOST=a\n'
                 b'SERVER_PROTOCOL=HTTP/1.1\nWANTED=2\nPATH=/x\nHTTP_A=1'),
}


ECHO, LINE, NETSTRING, OBJECT, RAW, ESCAPE, DISCARD, FALSE = range(8)
COMPRESS, PROXY, CGI, VERBOSE, PAGES = 8, 16, 32, 64, 128   # of stdin.c
ASKED = REQUEST.replace(b'Origin: http://example.com\r\n', b'')
OFFERED = ASKED[:-2] + b'Sec-WebSocket-Extensions: ' + P \
    + b'; client_max_window_bits\r\n\r\n'
SAID = masked(0x81, b'Hello') + masked(0x89, b'?') + masked(0x01, b'Gr\xc3') \
    + masked(0x80, b'\xbcn') + CLOSE
SQUEEZED = masked(0xc1, HELLO) + masked(0x41, AGAIN[:2]) \
    + masked(0x80, AGAIN[2:]) + masked(0x81, b'x' * 80) + CLOSE
VARIABLES = (
    b'REQUEST_METHOD=GET\nREQUEST_URI=/chat?a=b\nSERVER_PROTOCOL=HTTP/1.1\n'
    b'HTTP_HOST=a\nREMOTE_ADDR=192.0.2.7\nSERVER_SOFTWARE=lighttpd\n'
    b'HTTP_UPGRADE=websocket\nHTTP_CONNECTION=Upgrade\n'
    b'HTTP_SEC_WEBSOCKET_VERSION=13\n'
    b'HTTP_SEC_WEBSOCKET_KEY=dGhlIHNhbXBsZSBub25jZQ==\n')
WHOLE = {           # how, and what the client says
    'echo': (ECHO, ASKED + SAID),
    'line': (LINE, ASKED + SAID),
    'netstring': (NETSTRING, ASKED + masked(0x82, b'a') + SAID),
    'json': (OBJECT | VERBOSE, ASKED + masked(0x81, OBJECTS['text'])),
    'raw': (RAW, ASKED + SAID),
    'line-open': (LINE, ASKED + SAID[:-len(CLOSE)]),
    'raw-open': (RAW | COMPRESS, OFFERED + SQUEEZED[:-len(CLOSE)]),
    'json-open': (OBJECT, ASKED + masked(0x81, b'Gr\xc3\xbcn')
                  + masked(0x82, b'\xff\0')),
    'escape': (ESCAPE, ASKED + masked(0x81, b'a\nb\\c') + CLOSE),
    'discard': (DISCARD | VERBOSE, ASKED + SAID),
    'false': (FALSE, ASKED + SAID),
    'close': (ECHO, ASKED + masked(0x88, b'\x03\xe8' + b'goodbye ' * 5)
              + masked(0x81, b'x' * 90)),
    'echo-compress': (ECHO | COMPRESS, OFFERED + SQUEEZED),
    'line-compress': (LINE | COMPRESS | VERBOSE, OFFERED + SQUEEZED),
    'proxy': (ECHO | PROXY, PROXIES['tcp4'][:-5] + ASKED + SAID),
    'proxy-2': (LINE | PROXY | COMPRESS,
                PROXIES['v2-tls'] + OFFERED + SQUEEZED),
    'cgi': (LINE | CGI, VARIABLES + b'\n' + SAID),
    'cgi-nph': (ECHO | CGI | COMPRESS, VARIABLES
                + b'SCRIPT_NAME=/nph-a\nHTTP_SEC_WEBSOCKET_EXTENSIONS=' + P
                + b'\n\n' + SQUEEZED),
    'page': (ECHO | PAGES, b'GET / HTTP/1.1\r\nHost: localhost\r\n'
             b'If-None-Match: "a"\r\nRange: bytes=0-9\r\n\r\n'),
    'options': (ECHO, b'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n'),
}


def write_file(target, name, data):
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                          'seeds', target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), 'wb') as f:
        f.write(data)


def write(target, name, flags, data):
    for way, sizes in PIECES.items():
        write_file(target, name + '-' + way,
                   bytes([flags, len(sizes)] + sizes) + data)


def main():
    for name, head in HEADS.items():
        write('http', name, 0, head)
    for name, (flags, frames) in FRAMES.items():
        for target in 'frame', 'message':
            write(target, name, flags, bytes.fromhex(frames))
    for name, text in TEXTS.items():
        write('utf8', name, 20, text)
    for name, text in OBJECTS.items():
        write('flat', name, 0, text)
    for name, request in REQUESTS.items():
        write('scgi', name, 0, request)
    for name, header in PROXIES.items():
        write('proxy', name, 0, header)
    for name, (flags, lines) in USERS.items():
        write('htpasswd', name, flags, lines)
    for name, (flags, text) in VERDICTS.items():
        write('verdict', name, flags, text)
    for name, (flags, field) in FORWARDED.items():
        write('forwarded', name, flags, field)
    for target, rows in (('extension', OFFERS), ('deflate', DEFLATED),
                         ('conn', TALKS), ('environ', ENVIRONS)):
        for name, (flags, data) in rows.items():
            write(target, name, flags, data)
    for name, (how, data) in WHOLE.items():
        write_file('stdin', name, bytes([how]) + data)


if __name__ == '__main__':
    main()
