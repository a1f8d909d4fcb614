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
LIB =		buf mask utf8 base64 clock wire frame message http extension \
		handshake conn ws ws_accept ws_connect ws_recv ws_send ws_poll \
		ws_close
PROGRAM =	main worker options log title signals address \
		arrive/inherited arrive/listen admit/request admit/admit \
		talk/talk pages/pages bridge/table bridge/builtin \
		bridge/program bridge/child bridge/environ bridge/format \
		bridge/line bridge/netstring bridge/raw
EXAMPLES =	echo
UNIT =		$(patsubst tests/unit/test_%.c,%,$(wildcard tests/unit/test_*.c))
FUZZ =		http frame message utf8

WARN =		-std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
		-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
		-Wpointer-arith -Wcast-qual -Wvla -Wformat=2 -Wundef -Werror
HARDEN =	-fstack-protector-strong -fstack-clash-protection \
		-fcf-protection=full -fno-strict-overflow \
		-fno-delete-null-pointer-checks -D_FORTIFY_SOURCE=3
LINKHARD =	-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
SANFLAGS =	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all \
		-fno-omit-frame-pointer,$(HARDEN))
CPPFLAGS +=	-D_GNU_SOURCE -isystem /usr/include/bsd -DLIBBSD_OVERLAY
ALLFLAGS =	$(WARN) $(CFLAGS) $(SANFLAGS) $(CPPFLAGS) -fPIC -MMD -MP
LINK =		$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) $(LINKHARD)

# Linked into the program: a worker is started for each connection, and each
# shared library costs it a tenth of a millisecond or more.
BSD =		-Wl,-Bstatic -lbsd -lmd -Wl,-Bdynamic

A =		$(BUILD)/libwscgi.a
SO =		$(BUILD)/libwscgi.so.$(SOVERSION)
LIBOBJ =	$(LIB:%=$(BUILD)/obj/lib/%.o)
PROGOBJ =	$(PROGRAM:%=$(BUILD)/obj/ws-cgi/%.o)

all: $(BUILD)/ws-cgi $(A) $(SO) $(BUILD)/libwscgi.pc examples

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo 'CC $@'
	@$(CC) $(ALLFLAGS) -Ilib -Iws-cgi -c -o $@ $<

$(A): $(LIBOBJ)
	rm -f $@
	$(AR) rcs $@ $(LIBOBJ)

$(SO): $(LIBOBJ) lib/libwscgi.map
	$(LINK) -shared -Wl,-soname,libwscgi.so.$(SOVERSION) \
	    -Wl,--version-script=lib/libwscgi.map -o $@ $(LIBOBJ) -lmd
	ln -sf libwscgi.so.$(SOVERSION) $(BUILD)/libwscgi.so

$(BUILD)/ws-cgi: $(PROGOBJ) $(A)
	$(LINK) -pie -o $@ $(PROGOBJ) $(A) $(BSD)

$(BUILD)/libwscgi.pc: lib/libwscgi.pc.in Makefile
	sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@VERSION@,$(VERSION),' \
	    lib/libwscgi.pc.in > $@

examples: $(EXAMPLES:%=$(BUILD)/examples/%)

$(BUILD)/examples/%: examples/%.c $(A)
	@mkdir -p $(@D)
	@echo 'CC $@'
	@$(CC) $(ALLFLAGS) -Ilib -o $@ $< $(A) $(LDFLAGS) -lmd

-include $(LIBOBJ:.o=.d) $(PROGOBJ:.o=.d)

.PHONY: all examples
