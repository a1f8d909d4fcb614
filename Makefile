# ws-cgi - see README.md.  Everything that is made goes to $(BUILD).

BUILD ?=	build
PREFIX ?=	/usr/local
CC ?=		cc
CFLAGS ?=	-O2 -g
PYTHON =	/usr/bin/python3

VERSION =	0.1.0
SOVERSION =	0

# bytes -> frames -> messages -> connection: what stands on what is checked
# against tests/lint/FLOORS.
LIB =		buf ascii digits mask utf8 utf8_wide base64 clock rate timeout wire \
		frame message http extension pmd deflate cgi handshake conn ws \
		ws_cgi ws_accept ws_file ws_connect ws_recv ws_send ws_seen \
		ws_deflate ws_limits ws_poll ws_close
PROGRAM =	main script worker admission options option agree chain bounds tell values choices person name flat sink log title signals \
		address endpoint \
		network arrive/client arrive/proxy arrive/preface \
		arrive/superserver arrive/tls arrive/inherited arrive/listen arrive/fork arrive/accept \
		arrive/children arrive/limits arrive/penalties arrive/deeds arrive/shed \
		arrive/clean arrive/webserver \
		arrive/scgi \
		arrive/sockets arrive/restart arrive/notify arrive/rights \
		arrive/pidfile arrive/figures confine/confine confine/filter \
		confine/landlock confine/seccomp confine/pledge \
		admit/request admit/forwarded admit/slots admit/places \
		admit/user admit/field admit/verdict admit/htpasswd admit/secrets admit/identity admit/admit admit/hook talk/talk talk/report talk/trace \
		pages/type pages/file pages/range pages/validator pages/page \
		pages/console pages/pages bridge/table bridge/builtin \
		bridge/program bridge/which bridge/flow bridge/child \
		bridge/spawn bridge/keeper bridge/command bridge/launch \
		bridge/plumbing bridge/errors bridge/environ \
		bridge/format bridge/line bridge/netstring \
		bridge/json bridge/raw
TLS =		tls/main tls/options tls/serve tls/tunnel tls/facts tls/keys \
		tls/monitor tls/name
EXAMPLES =	echo
UNIT =		$(patsubst tests/unit/test_%.c,%,$(wildcard tests/unit/test_*.c))
FUZZ =		http frame message utf8 flat scgi proxy forwarded extension \
		deflate conn environ htpasswd verdict

WARN =		-std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
		-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
		-Wpointer-arith -Wcast-qual -Wvla -Wformat=2 -Wundef -Werror
HARDEN =	-fstack-protector-strong -fstack-clash-protection \
		-fcf-protection=full -fno-strict-overflow \
		-fno-delete-null-pointer-checks -D_FORTIFY_SOURCE=3
# What is written for each connection lies together: see ws-cgi/aside.h.  For a
# linker that knows no such script this may be empty.
LINKPACKED =	-Wl,-T,ws-cgi/aside.ld
LINKHARD =	-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
SANFLAGS =	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all \
		-fno-omit-frame-pointer -DSANITIZED,$(HARDEN))
CPPFLAGS +=	-D_GNU_SOURCE -isystem /usr/include/bsd -DLIBBSD_OVERLAY \
		$(if $(TESTING),-DTEST_BUILD)
ALLFLAGS =	$(WARN) $(CFLAGS) $(SANFLAGS) $(CPPFLAGS) -fPIC -MMD -MP
LINK =		$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) $(LINKHARD) $(LINKPACKED)

# Linked into the program: a worker is started for each connection, and each
# shared library costs it a tenth of a millisecond or more.
BSD =		-Wl,-Bstatic -lbsd -lmd -lz -lcrypt -Wl,-Bdynamic

A =		$(BUILD)/libwscgi.a
SO =		$(BUILD)/libwscgi.so.$(SOVERSION)
LIBOBJ =	$(LIB:%=$(BUILD)/obj/lib/%.o)
PROGOBJ =	$(PROGRAM:%=$(BUILD)/obj/ws-cgi/%.o) $(BUILD)/obj/console_html.o

all: $(BUILD)/ws-cgi $(BUILD)/ws-tls $(A) $(SO) $(BUILD)/libwscgi.pc examples

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo 'CC $@'
	@$(CC) $(ALLFLAGS) -Ilib -Iws-cgi -c -o $@ $<

$(A): $(LIBOBJ)
	rm -f $@
	$(AR) rcs $@ $(LIBOBJ)

$(SO): $(LIBOBJ) lib/libwscgi.map
	$(LINK) -shared -Wl,-soname,libwscgi.so.$(SOVERSION) \
	    -Wl,--version-script=lib/libwscgi.map -o $@ $(LIBOBJ) -lmd -lz
	ln -sf libwscgi.so.$(SOVERSION) $(BUILD)/libwscgi.so

$(BUILD)/ws-cgi: $(PROGOBJ) $(A)
	$(LINK) -pie -o $@ $(PROGOBJ) $(A) $(BSD)

# The modules, for what takes some of them.
P =		$(BUILD)/obj/ws-cgi.a

$(P): $(PROGOBJ)
	rm -f $@
	$(AR) rcs $@ $(filter-out %/main.o,$(PROGOBJ))

# The only one that needs OpenSSL; of the other's modules it has those below
# what is served.
TLSOBJ =	$(TLS:%=$(BUILD)/obj/ws-cgi/%.o)

$(BUILD)/ws-tls: $(TLSOBJ) $(P) $(A)
	$(LINK) -pie -o $@ $(TLSOBJ) $(P) $(A) $(BSD) -lssl -lcrypto

# Its modules, for tests.
T =		$(BUILD)/obj/ws-tls.a

$(T): $(TLSOBJ)
	rm -f $@
	$(AR) rcs $@ $(filter-out %/main.o %/name.o,$(TLSOBJ))

# A page that is built in, as an array.
$(BUILD)/obj/console_html.c: ws-cgi/pages/console.html Makefile
	@mkdir -p $(@D)
	@{ echo '#include "pages/console.h"'; \
	    echo 'const unsigned char console_html[] = {'; \
	    od -An -v -tu1 $< | awk '{ gsub(/[0-9]+/, "&,"); print }'; \
	    echo '};'; \
	    echo 'const size_t console_html_size = sizeof(console_html);'; \
	    } > $@

$(BUILD)/obj/console_html.o: $(BUILD)/obj/console_html.c
	@echo 'CC $@'
	@$(CC) $(ALLFLAGS) -Ilib -Iws-cgi -c -o $@ $<

$(BUILD)/libwscgi.pc: lib/libwscgi.pc.in Makefile
	sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@VERSION@,$(VERSION),' \
	    lib/libwscgi.pc.in > $@

examples: $(EXAMPLES:%=$(BUILD)/examples/%)

$(BUILD)/examples/%: examples/%.c $(A)
	@mkdir -p $(@D)
	@echo 'CC $@'
	@$(CC) $(ALLFLAGS) -Ilib -o $@ $< $(A) $(LDFLAGS) -lmd -lz

# A program that needs no shared library, for inetd and CGI, which start one for
# each connection: libbsd and libmd are stood in for by lib/compat, of the
# kernel's and of zlib's headers musl has none, and zlib's code calls nothing
# that it has not; libcrypt's, by which crypt(3) is the same in both builds,
# little that lib/compat has not.  There is no such ws-tls: its OpenSSL is the
# system's, which is mended without us.
STATIC =	$(BUILD)/static
MUSL =		musl-gcc $(WARN) $(CFLAGS) -D_GNU_SOURCE -static \
		-include lib/compat/compat.h -isystem $(STATIC)/include \
		-Ilib/compat -Ilib -Iws-cgi $(HARDEN) $(LINKPACKED)

static:

	@mkdir -p $(STATIC)/include
	@ln -sfn /usr/include/linux /usr/include/asm-generic \
	    /usr/include/zlib.h /usr/include/zconf.h $(STATIC)/include
	@ln -sfn "$$(dirname "$$($(CC) -E -xc - -include asm/errno.h \
	    </dev/null | sed -n 's/^# 1 "\(.*\/asm\)\/errno.h".*/\1/p')")/asm" \
	    $(STATIC)/include/asm
	@$(MAKE) -s --no-print-directory $(STATIC)/ws-cgi

$(STATIC)/ws-cgi: lib/compat/compat.c $(LIB:%=lib/%.c) \
    $(PROGRAM:%=ws-cgi/%.c) $(BUILD)/obj/console_html.c Makefile \
    $(wildcard lib/*.h ws-cgi/*.h ws-cgi/*/*.h lib/compat/*.h)
	@echo 'CC $@'
	@$(MUSL) -o $@ $(filter %.c,$^) $(LINKHARD) \
	    "$$($(CC) -print-file-name=libz.a)" \
	    "$$($(CC) -print-file-name=libcrypt.a)"

-include $(LIBOBJ:.o=.d) $(PROGOBJ:.o=.d) $(TLSOBJ:.o=.d)

.PHONY: all examples static

# What the main job needs, and the main job: a page at http://127.0.0.1:8080/
# that talks to a program over a WebSocket.
demo:
	@.ci/deps build
	@$(MAKE) -s --no-print-directory $(BUILD)/ws-cgi
	@echo 'Open http://127.0.0.1:8080/ in a browser.  Control-C ends it.'
	@exec $(BUILD)/ws-cgi --listen 8080 --www examples/demo -- \
	    examples/first/first.sh

deps:
	.ci/deps lint

# Tests.  Unit tests run thrice: as they are, under sanitizers and valgrind.

ASAN =		$(BUILD)/asan
UNITHELP =	$(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out \
		tests/unit/test_%,$(wildcard tests/unit/*.c)))
UNITLIBS =	-lcheck -lsubunit -lrt -lm -lpthread -lbsd -lmd -lz -lcrypt \
		-Wl,--as-needed -lssl -lcrypto

# It stands in for recv and send, which fortified headers define inline.
$(BUILD)/obj/tests/unit/peer.o: CPPFLAGS += -U_FORTIFY_SOURCE

# Helpers; beside the program's modules: a test takes those that it names, and
# may play the others.
U =		$(BUILD)/obj/unit.a

$(U): $(UNITHELP)
	rm -f $@
	$(AR) rcs $@ $(UNITHELP)

unit: $(UNIT:%=$(BUILD)/unit/%)

$(BUILD)/unit/%: tests/unit/test_%.c $(wildcard tests/unit/*.h) \
    $(U) $(T) $(P) $(A)
	@mkdir -p $(@D)
	@echo 'CC $@'
	@$(CC) $(ALLFLAGS) -Ilib -Iws-cgi -o $@ $< $(U) $(T) $(P) $(A) \
	    $(LDFLAGS) $(UNITLIBS)

$(BUILD)/tests/%.so: tests/outside/%.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -Werror -shared -fPIC -o $@ $< -ldl

sanitized:
	@$(MAKE) -s --no-print-directory BUILD=$(ASAN) SAN=address,undefined unit all

PROBE =		$(BUILD)/tests/probe

$(PROBE): tests/frontends/probe.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -o $@ $< \
	    -lmd -lresolv

SHIMS =		$(patsubst tests/outside/%.c,$(BUILD)/tests/%.so, \
		$(wildcard tests/outside/shim_*.c))
OUTSIDE =	$(PYTHON) tests/outside/test_

check:
	@BUILD=$(BUILD) .ci/deps frontends
	@$(MAKE) -s --no-print-directory all unit $(SHIMS) $(PROBE) $(ATTACKERS)
	@$(MAKE) -s --no-print-directory sanitized static
	@$(MAKE) -s --no-print-directory $(LIMITS)
	@$(MAKE) -s --no-print-directory list | BUILD=$(BUILD) WS_CGI=$(BUILD)/ws-cgi tests/run

# Behind each front end, or ROWS="nginx tcp"; the table is README.md's.
FRONTENDS =	BUILD=$(BUILD) WS_CGI=$(BUILD)/ws-cgi $(PYTHON) \
		tests/frontends/matrix.py

check-frontends:
	@BUILD=$(BUILD) .ci/deps frontends
	@$(MAKE) -s --no-print-directory all $(PROBE)
	@$(FRONTENDS) $(ROWS)

# Unit tests of a million sequences, for which valgrind would take minutes.
BULKY =		formats utf8_wide

# Attacks that are quick, and not a test's below already.
ATTACKS =	handshake:A1,A2,A3,A4,A5,A6,A8 frames:B1,B2,B3,B4,B6,B7,B8 \
		compression:C2,C3,C4,C5,C6 exhaustion:D1,D3,D4,D9 \
		programs:E1,E2,E3,E5,E6,E9 processes:F2,F6 tls:G2,G5

# The tests, a line each, the long ones first.
list:
	@echo frontends $(PYTHON) tests/frontends/matrix.py
	@echo refusals $(PYTHON) tests/frontends/refusals.py
	@echo identity $(PYTHON) tests/frontends/identity.py
	@for s in netstring handler echo; do \
	    echo one-byte-$$s $(OUTSIDE)autobahn.py --server $$s --one-byte; \
	    echo splits-$$s $(OUTSIDE)autobahn.py --server $$s --splits; done
	@for s in netstring handler echo; do \
	    echo autobahn-$$s $(OUTSIDE)autobahn.py --server $$s; \
	    echo autobahn-$$s-asan env WS_CGI=$(ASAN)/ws-cgi \
	    WS_HANDLER=$(ASAN)/examples/echo $(OUTSIDE)autobahn.py \
	    --server $$s; done
	@for t in "autobahn.py --server netstring" superservers.py endings.py; do \
	    echo static-$${t%%.*} env WS_CGI=$(STATIC)/ws-cgi $(OUTSIDE)$$t; done
	@for t in clients ends names reload arrivals; do \
	    echo tls-$$t-asan env WS_CGI=$(ASAN)/ws-cgi $(OUTSIDE)tls_$$t.py; done
	@for t in $(ATTACKS); do \
	    echo attacks-$${t%%:*} $(PYTHON) tests/security/$${t%%:*}.py \
	    $$(echo $${t#*:} | tr , ' '); done
	@for t in $(filter-out autobahn,$(patsubst tests/outside/test_%.py,%, \
	    $(wildcard tests/outside/test_*.py))); do \
	    echo $$t $(OUTSIDE)$$t.py; done
	@echo unit-utf8-narrow env GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2 \
	    $(BUILD)/unit/utf8
	@for t in $(UNIT); do echo unit-$$t $(BUILD)/unit/$$t; \
	    echo asan-$$t env CK_FORK=no $(ASAN)/unit/$$t; done
	@for t in $(filter-out $(BULKY),$(UNIT)); do \
	    echo valgrind-$$t env CK_FORK=no valgrind -q --leak-check=full \
	    --error-exitcode=9 $(BUILD)/unit/$$t; done

# The attacks, each with what was tried and what came of it; ROWS="A1 F3" are
# these alone.  Some need root, and say so.
THREADS =	$(BUILD)/tsan

# With --no-sandbox: for valgrind, which does what a confined process may not.
UNCONFINED =	$(BUILD)/unconfined

$(UNCONFINED)/ws-cgi: $(BUILD)/ws-cgi
	@$(MAKE) -s --no-print-directory BUILD=$(UNCONFINED) TESTING=1 $@

security:
	@BUILD=$(BUILD) .ci/deps test
	@$(MAKE) -s --no-print-directory all unit $(SHIMS) $(ATTACKERS)
	@$(MAKE) -s --no-print-directory BUILD=$(ASAN) SAN=address,undefined \
	    $(ASAN)/ws-cgi
	@$(MAKE) -s --no-print-directory BUILD=$(THREADS) SAN=thread \
	    $(THREADS)/ws-cgi
	@BUILD=$(BUILD) WS_CGI=$(BUILD)/ws-cgi $(PYTHON) tests/security/run \
	    $(ROWS)

ATTACKERS =	$(BUILD)/security/utf8_all $(BUILD)/security/masks \
		$(BUILD)/security/tls_floods \
		$(UNCONFINED)/ws-cgi

$(BUILD)/security/tls_floods: tests/security/tls_floods.c
	@mkdir -p $(@D)
	@echo 'CC $@'
	@$(CC) $(ALLFLAGS) -o $@ $< $(LDFLAGS) -lssl -lcrypto

$(BUILD)/security/%: tests/security/%.c $(A)
	@mkdir -p $(@D)
	@echo 'CC $@'
	@$(CC) $(ALLFLAGS) -Ilib -o $@ $< $(A) $(LDFLAGS) -lbsd -lmd -lz

# How much of lib/ and ws-cgi/ the tests run: a line for each file, and each
# place that they do not run, with the reason in tests/coverage/REASONS.  Fails
# under 95 % of the lines.  The tests are those of check, without repetitions.
# The counters lie in a file that the processes map, for which it takes clang:
# many of them end by a signal or by exec, or may write no file by then.
COVERED =	$(BUILD)/coverage
COUNTED =	-O1 -g -Wno-unused-command-line-argument \
		-fcoverage-mapping -mllvm -runtime-counter-relocation \
		-fprofile-instr-generate=$(abspath $(COVERED))/profile/%m%c.profraw
REPEATED =	^(one-byte|splits|asan|valgrind|attacks)-|^[a-z-]+-asan |^static[ -]|^bench 

coverage:
	@BUILD=$(COVERED) .ci/deps lint
	@rm -rf $(COVERED)/profile $(COVERED)/failed
	@$(MAKE) -s --no-print-directory CC=clang BUILD=$(COVERED) \
	    CFLAGS='$(COUNTED)' all unit \
	    $(patsubst $(BUILD)/%,$(COVERED)/%,$(SHIMS) $(PROBE))
	@$(MAKE) -s --no-print-directory BUILD=$(COVERED) static
	@for p in ws-cgi ws-tls; do $(COVERED)/$$p --version; done \
	    >$(COVERED)/version
	@chmod -R a+rwX $(COVERED)/profile # for those who give up rights
	@$(MAKE) -s --no-print-directory BUILD=$(COVERED) list | \
	    grep -Ev '$(REPEATED)' | BUILD=$(COVERED) \
	    WS_CGI=$(COVERED)/ws-cgi WS_HANDLER=$(COVERED)/examples/echo \
	    tests/run || touch $(COVERED)/failed
	@llvm-profdata merge -o $(COVERED)/profile/all \
	    $(COVERED)/profile/*.profraw
	@llvm-cov export -format=lcov -instr-profile=$(COVERED)/profile/all \
	    $(COVERED)/ws-cgi $(UNIT:%=-object $(COVERED)/unit/%) \
	    -object $(COVERED)/ws-tls -object $(COVERED)/examples/echo \
	    lib ws-cgi >$(COVERED)/lcov
	@$(PYTHON) tests/coverage/report $(COVERED)/lcov tests/coverage/REASONS
	@test ! -e $(COVERED)/failed

.PHONY: demo deps unit sanitized check check-frontends list security coverage

# Measures.  They need quiet, and nothing passes or fails by time.

bench-pages:
	@.ci/deps bench
	@$(MAKE) -s --no-print-directory $(BUILD)/ws-cgi $(BUILD)/bench/forker
	@FORKER=$(BUILD)/bench/forker WS_CGI=$(BUILD)/ws-cgi \
	    $(PYTHON) tests/bench/pages.py

bench-start:
	@.ci/deps bench
	@$(MAKE) -s --no-print-directory $(BUILD)/ws-cgi static \
	    $(BUILD)/bench/nothing
	@$(CC) -O2 -static -o $(BUILD)/bench/nothing-static tests/bench/nothing.c
	@musl-gcc -O2 -static -o $(BUILD)/bench/nothing-musl tests/bench/nothing.c
	@BENCH=$(BUILD)/bench WS_CGI=$(BUILD)/ws-cgi \
	    WS_CGI_STATIC=$(STATIC)/ws-cgi $(PYTHON) tests/bench/start.py

bench-bytes:
	@.ci/deps build
	@$(MAKE) -s --no-print-directory $(BUILD)/bench/bytes
	@$(BUILD)/bench/bytes

bench-confinement:
	@.ci/deps bench
	@$(MAKE) -s --no-print-directory $(UNCONFINED)/ws-cgi
	@WS_CGI=$(UNCONFINED)/ws-cgi $(PYTHON) tests/bench/confinement.py

bench-deflate:
	@.ci/deps bench
	@$(MAKE) -s --no-print-directory $(BUILD)/ws-cgi static
	@WS_CGI=$(BUILD)/ws-cgi WS_CGI_STATIC=$(STATIC)/ws-cgi \
	    $(PYTHON) tests/bench/deflate.py

bench-tls:
	@.ci/deps bench
	@$(MAKE) -s --no-print-directory all static $(BUILD)/bench/tls
	@BENCH=$(BUILD)/bench WS_CGI=$(BUILD)/ws-cgi \
	    WS_CGI_STATIC=$(STATIC)/ws-cgi $(PYTHON) tests/bench/tls.py $(ARGS)

$(BUILD)/bench/%: tests/bench/%.c tests/bench/limit.h Makefile
	@mkdir -p $(@D)
	@echo 'CC $@'
	@$(CC) $(ALLFLAGS) $(LINKHARD) -o $@ $<

$(BUILD)/bench/bytes: tests/bench/bytes.c $(A) Makefile
	@mkdir -p $(@D)
	@echo 'CC $@'
	@$(CC) $(ALLFLAGS) -Ilib $(LINKHARD) -o $@ $< $(A)

$(BUILD)/bench/tls: tests/bench/tls.c Makefile
	@mkdir -p $(@D)
	@echo 'CC $@'
	@$(CC) $(ALLFLAGS) $(LINKHARD) -o $@ $< -lssl -lcrypto

$(BUILD)/bench/load: $(wildcard tests/bench/load/*) Makefile
	@mkdir -p $(@D)
	@echo 'CC $@'
	@$(CC) $(filter-out -MMD -MP,$(ALLFLAGS)) $(LINKHARD) -o $@ \
	    $(filter %.c,$^) $(BSD)

# The smallest programs, of the same C library as the static build.
$(BUILD)/bench/least $(BUILD)/bench/copy: $(BUILD)/bench/%: tests/bench/%.c \
    lib/compat/compat.c Makefile
	@mkdir -p $(@D)
	@echo 'CC $@'
	@$(MUSL) -o $@ $(filter %.c,$^) $(LINKHARD)

# All of it, with the report; the main items in two minutes, without; and the
# report once more, of the results that there are.
LIMITS =	$(patsubst %,$(BUILD)/bench/%,bare relay super sink least copy load)
BENCHPY =	BUILD=$(BUILD) BENCH=$(BUILD)/bench $(PYTHON) tests/bench/bench.py

bench-programs:
	@.ci/deps bench
	@$(MAKE) -s --no-print-directory $(BUILD)/ws-cgi static
	@$(MAKE) -s --no-print-directory $(LIMITS) $(BUILD)/bench/bytes

bench: bench-programs
	@$(BENCHPY) $(ARGS)

bench-quick: bench-programs
	@$(BENCHPY) --quick $(ARGS)

bench-report:
	@$(BENCHPY) --report-only $(ARGS)

# As root: 100,000 connections, or as many as memory holds.
bench-100k: bench-programs
	@BUILD=$(BUILD) BENCH=$(BUILD)/bench $(PYTHON) tests/bench/scale.py $(ARGS)
	@$(BENCHPY) --report-only

.PHONY: bench bench-quick bench-report bench-100k bench-programs bench-pages \
    bench-start bench-bytes bench-deflate bench-confinement bench-tls

# Analysers.  Everything they say is an error.

SOURCES =	$(wildcard lib/*.c ws-cgi/*.c ws-cgi/*/*.c examples/*.c)
HEADERS =	$(wildcard lib/*.h ws-cgi/*.h ws-cgi/*/*.h)
COMPAT =	$(wildcard lib/compat/*)
TESTSOURCES =	$(wildcard tests/*/*.[ch] tests/*/*/*.[ch])
SCRIPTS =	.ci/deps .ci/run tests/run tests/lint/floors tests/fuzz/run \
		tests/fuzz/stdin $(wildcard examples/*/*.sh)

lint:
	@.ci/deps lint
	clang-format -n -Werror $(SOURCES) $(HEADERS) $(COMPAT) $(TESTSOURCES)
	tests/lint/floors
	@$(MAKE) -s --no-print-directory CC=clang BUILD=$(BUILD)/clang all unit
	@for f in $(SOURCES); do echo "clang-tidy $$f"; \
	    clang-tidy --quiet $$f -- -std=c11 $(CPPFLAGS) -Ilib -Iws-cgi \
	    2>/dev/null || exit 1; done
	cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
	    --enable=warning,performance,portability \
	    --suppress=missingIncludeSystem -Ilib -Iws-cgi lib ws-cgi examples
	@for f in $(SOURCES); do echo "gcc -fanalyzer $$f"; \
	    gcc -std=c11 $(CPPFLAGS) -Ilib -Iws-cgi -O2 -Werror -fanalyzer \
	    -c -o /dev/null $$f || exit 1; done
	mandoc -Tlint -Wwarning man/*
	shellcheck $(SCRIPTS)

# Fuzzing: SECONDS for each target, and then a planted bug in each, which must
# be found.

SECONDS =	60
FUZZFLAGS =	-std=c11 $(CPPFLAGS) -g -O1 -Ilib -Iws-cgi \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZMAKE =	$(MAKE) -s --no-print-directory BUILD=$(BUILD)/fuzz CC=clang \
		SAN=fuzzer-no-link,address,undefined CFLAGS='-O1 -g'

# What a target includes, with a bug in it, stands in for the archive's.
FUZZED =	$(BUILD)/fuzz/obj/ws-cgi.a $(BUILD)/fuzz/libwscgi.a
FUZZDEPS =	tests/fuzz/fuzz_%.c $(wildcard tests/fuzz/*.h) $(FUZZED)

fuzzed:
	+@$(FUZZMAKE) $(FUZZED)

$(FUZZED): fuzzed ;

$(BUILD)/fuzz/%: $(FUZZDEPS)
	@echo 'CC $@'
	@clang $(FUZZFLAGS) -o $@ $< $(FUZZED) -lbsd -lmd -lz -lcrypt

$(BUILD)/fuzz/%.planted: $(FUZZDEPS)
	@echo 'CC $@'
	@clang $(FUZZFLAGS) -DPLANTED=1 -o $@ $< $(FUZZED) -lbsd -lmd -lz -lcrypt

fuzz: $(FUZZ:%=$(BUILD)/fuzz/%) $(FUZZ:%=$(BUILD)/fuzz/%.planted)
	BUILD=$(BUILD) tests/fuzz/run $(SECONDS) $(FUZZ)

# The whole program, by what comes on its standard input: AFL++ for SECONDS.

AFL =		$(BUILD)/afl
AFLMAKE =	$(MAKE) -s --no-print-directory BUILD=$(AFL) CC=afl-clang-fast \
		SAN=address,undefined CFLAGS='-O1 -g'
AFLED =		$(AFL)/obj/ws-cgi/main.o $(AFL)/obj/ws-cgi.a $(AFL)/libwscgi.a
AFLFLAGS =	-std=gnu11 $(CPPFLAGS) -g -O1 -Ilib -fsanitize=address,undefined \
		-fno-sanitize-recover=all -Wl,--wrap=conn_inflate

afled:
	+@AFL_QUIET=1 $(AFLMAKE) $(AFLED)

$(AFLED): afled ;

$(AFL)/main.o: $(AFL)/obj/ws-cgi/main.o
	@objcopy --redefine-sym main=ws_cgi_main $< $@

$(AFL)/stdin $(AFL)/stdin.planted: tests/fuzz/stdin.c $(AFL)/main.o $(AFLED)
	@echo 'CC $@'
	@AFL_QUIET=1 afl-clang-fast $(AFLFLAGS) $(if $(filter %.planted,$@),-DPLANTED) \
	    -o $@ $< $(AFL)/main.o $(filter %.a,$^) -lbsd -lmd -lz -lcrypt

fuzz-stdin:
	@.ci/deps lint
	@$(MAKE) -s --no-print-directory $(AFL)/stdin $(AFL)/stdin.planted
	@AFL=$(AFL) tests/fuzz/stdin $(SECONDS)

# Installation.

INSTALL =	install
BINDIR =	$(DESTDIR)$(PREFIX)/bin
LIBDIR =	$(DESTDIR)$(PREFIX)/lib
INCLUDEDIR =	$(DESTDIR)$(PREFIX)/include
MANDIR =	$(DESTDIR)$(PREFIX)/share/man
DOCDIR =	$(DESTDIR)$(PREFIX)/share/doc/ws-cgi
UNITDIR =	$(DESTDIR)$(PREFIX)/lib/systemd/system
UNITS =		$(wildcard examples/systemd/ws-*)

install: all
	$(INSTALL) -d $(BINDIR) $(LIBDIR)/pkgconfig $(INCLUDEDIR) \
	    $(MANDIR)/man3 $(MANDIR)/man7 $(MANDIR)/man8 \
	    $(DOCDIR)/frontends $(DOCDIR)/tls $(UNITDIR)
	$(INSTALL) -m 755 $(BUILD)/ws-cgi $(BUILD)/ws-tls $(BINDIR)
	$(INSTALL) -m 644 $(A) $(SO) $(LIBDIR)
	ln -sf libwscgi.so.$(SOVERSION) $(LIBDIR)/libwscgi.so
	$(INSTALL) -m 644 $(BUILD)/libwscgi.pc $(LIBDIR)/pkgconfig
	$(INSTALL) -m 644 lib/ws.h $(INCLUDEDIR)
	$(INSTALL) -m 644 man/ws.3 $(MANDIR)/man3
	$(INSTALL) -m 644 man/ws-environ.7 $(MANDIR)/man7
	$(INSTALL) -m 644 man/ws-cgi.8 man/ws-tls.8 $(MANDIR)/man8
	$(INSTALL) -m 644 README.md SECURITY.md CHANGES LICENSE $(DOCDIR)
	@for unit in $(UNITS); do sed 's,/usr/local/bin/,$(PREFIX)/bin/,' \
	    $$unit > $(UNITDIR)/$${unit##*/} || exit 1; done
	$(INSTALL) -m 644 examples/frontends/* $(DOCDIR)/frontends
	$(INSTALL) -m 755 examples/tls/* $(DOCDIR)/tls

uninstall:
	rm -f $(BINDIR)/ws-cgi $(BINDIR)/ws-tls $(LIBDIR)/libwscgi.a $(LIBDIR)/libwscgi.so \
	    $(LIBDIR)/libwscgi.so.$(SOVERSION) \
	    $(LIBDIR)/pkgconfig/libwscgi.pc $(INCLUDEDIR)/ws.h \
	    $(MANDIR)/man3/ws.3 $(MANDIR)/man7/ws-environ.7 \
	    $(MANDIR)/man8/ws-cgi.8 $(MANDIR)/man8/ws-tls.8 \
	    $(patsubst examples/systemd/%,$(UNITDIR)/%,$(UNITS))
	rm -rf $(DOCDIR)

dist:
	git archive --prefix=ws-cgi-$(VERSION)/ HEAD | \
	    gzip -n > $(BUILD)/ws-cgi-$(VERSION).tar.gz

clean:
	rm -rf $(BUILD)

.PHONY: lint fuzz fuzzed fuzz-stdin afled install uninstall dist clean
