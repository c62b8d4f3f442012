# Build, test and install evenkeel. `make help` lists what there is.
#
#   DEV=1             -Werror and the long list of warnings
#   SAN=address,undefined | thread   sanitizers (in a build folder of their own)
#   WERROR=1          warnings are errors
#   CC=clang          another compiler (likewise)

PREFIX ?= /usr/local
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
V ?= 0
Q := $(if $(filter 0,$(V)),@,)

comma := ,
B := build$(if $(CC:gcc=)$(SAN)$(DEV),/variant-$(notdir $(CC))$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(DEV),-dev))

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

PACKAGES := libcurl yaml-0.1 jansson sqlite3 libcrypto libarchive zlib libsodium
CPPFLAGS += -D_GNU_SOURCE -I. -include spec/base/banned.h $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
CFLAGS ?= -O2 -g
CFLAGS += -std=c17 -fno-strict-aliasing -fstack-protector-strong -Wall -Wextra -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wvla -Wwrite-strings -Wformat=2 -Wundef
ifneq ($(WERROR),)
CFLAGS += -Werror
endif
ifneq ($(DEV),)
CFLAGS += -Werror -Wnull-dereference -Wcast-align -Wredundant-decls -Wold-style-definition
endif
ifneq ($(SAN),)
CFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer -O1
LDFLAGS += -fsanitize=$(SAN)
else
CPPFLAGS += -D_FORTIFY_SOURCE=2
endif
LDFLAGS += -Wl,-z,relro,-z,now -pthread
# libarchive is loaded when the first archive is read (drivers/libarchive.h); tests make archives with it directly.
LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -linotifytools -lcivetweb -lm -ldl
LDLIBS := $(filter-out -larchive,$(LIBS))

FOLDERS := spec/base spec drivers reconcile agent
SOURCES := $(foreach d,$(FOLDERS),$(wildcard $(d)/*.c))
OBJECTS := $(SOURCES:%.c=$(B)/%.o)
MAIN := $(B)/agent/main.o
LIBRARY := $(filter-out $(MAIN),$(OBJECTS))
HEADERS := $(foreach d,$(FOLDERS),$(wildcard $(d)/*.h))

UNIT := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))
PROBES := $(patsubst tests/engine/%.c,$(B)/tests/engine/%,$(wildcard tests/engine/*.c))

all: $(B)/evenkeel ## build build/evenkeel

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(B)/evenkeel: $(OBJECTS)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/libevenkeel.a: $(LIBRARY)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/%.o: %.c Makefile
	@echo "  CC    $<"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/agent/version.o: CPPFLAGS += -DEVENKEEL_VERSION='"$(VERSION)"'
$(B)/agent/version.o: $(wildcard .git/HEAD .git/refs/heads/main)

-include $(OBJECTS:.o=.d) $(wildcard $(B)/tests/*.d $(B)/tests/*/*.d)

# ---- tests ----
$(B)/tests/%: tests/%.c $(B)/libevenkeel.a
	@echo "  TEST  $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-missing-prototypes -MMD -MP -MT $@ $(LDFLAGS) -o $@ $< $(B)/libevenkeel.a -lcmocka $(LIBS)

unit-programs: $(UNIT) $(B)/tests/golden

unit: unit-programs ## unit and golden tests: no engine, under a minute
	$(Q)tests/run-unit.sh $(B)

deps: ## install what is missing (Debian, Ubuntu)
	$(Q)tests/deps.sh

deps-test:
	$(Q)tests/deps.sh test
	$(Q)tests/deps.sh engine

check: ## install what is missing and run every test on one real engine
	$(Q)tests/check.sh

check-all: ## check, and: a browser, second engine, clang, sanitizers, valgrind, fuzz smoke, generated files
	$(Q)tests/check.sh --all

$(B)/tests/bench: tests/bench.c $(wildcard tests/bench/*.c tests/bench/*.h) $(B)/libevenkeel.a
	@echo "  TEST  $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c,$^) $(B)/libevenkeel.a $(LIBS)

# Put before the program under test (LD_PRELOAD): makes the state directory fail.
$(B)/tests/engine/eio.so: tests/engine/shim/eio.c
	@echo "  TEST  $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=c17 -O2 -g -Wall -Wextra -Wshadow -Werror -fPIC -shared -o $@ $<

campaign: all $(B)/tests/golden $(B)/tests/engine/eio.so ## 1 000 seeded runs in which something breaks (CAMPAIGN_SEED=N repeats one)
	$(Q)tests/campaign.sh $(B)

bench: all $(B)/tests/bench ## ratios against raw Engine API calls in the same run
	$(Q)tests/bench.sh $(B)

demo: ## a first app in one command; Ctrl-C ends it (DEMO_ONCE=1: check and clean up)
	$(Q)tests/demo.sh

engine-programs: all $(PROBES) $(B)/tests/engine/eio.so

golden-update: unit-programs ## rewrite the expected output of golden tests; read the diff
	$(Q)EVENKEEL_UPDATE=1 tests/run-unit.sh $(B)

schemas: $(B)/evenkeel ## write schemas/ anew from the tables
	$(Q)for k in app config; do $(B)/evenkeel schema $$k >schemas/$$k.schema.json; done
	$(Q)$(B)/evenkeel schema compose >schemas/compose.md
	$(Q)$(B)/evenkeel schema openapi >schemas/openapi.json

# ---- the walls of the house ----
check-layers: ## includes point downward only
	$(Q)tests/check-layers.sh

check-pure: $(OBJECTS) ## spec/ and reconcile/ make no system calls
	$(Q)tests/check-pure.sh $(B)

check-headers: ## each header compiles alone
	$(Q)for h in $(HEADERS); do \
		$(CC) $(CPPFLAGS) $(CFLAGS) -Werror -fsyntax-only -x c $$h || exit 1; done

fuzz: ## run each fuzz target for FUZZ_SECONDS (default 60); needs clang
	$(Q)tests/fuzz.sh

tidy: ## clang-tidy over everything
	$(Q)clang-tidy --quiet $(SOURCES) -- $(CPPFLAGS) -std=c17

format: ## clang-format everything in place
	$(Q)clang-format -i $(SOURCES) $(HEADERS) $(wildcard tests/*.c tests/*/*.c tests/bench/*.h)

install: all ## copy to PREFIX (default /usr/local)
	install -D -m 0755 $(B)/evenkeel $(DESTDIR)$(PREFIX)/bin/evenkeel

clean: ## remove build/
	rm -rf build

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help unit unit-programs deps deps-test check check-all campaign bench demo engine-programs golden-update schemas \
	check-layers check-pure check-headers fuzz tidy format install clean
