# make demo    install what is missing, build everything, show the main job
# make test    install what is missing, lint, run all tests
# make build   the four programs, optimised, without their own Swift runtime to install
# make install copy them, the manual, shell completions, udev rules and units (PREFIX=/usr/local, DESTDIR=)
# make deb     the Debian package, in .build
# make soak    storms over the simulated link, optimised, until SECONDS (60) are over
# make fuzz    libFuzzer on every parser of what others send, SECONDS (30) each
# make speed   how many bytes per second the link's coding moves
# make bench   the same debugging session through one cable by cdb, by gdb, and by gdb with gdbserver
# make bench-session   a longer session by cdb, gdb and lldb at three speeds, into docs/benchmarks.md (QUICK=1: one speed, printed only)
# make bench-cdb   start-up of cdb beside gdb and lldb on a large C++ program, into docs/benchmarks.md (QUICK=1: printed only)
# make bench-shared   a shared session: from command to answer, and fifty clients that read 10 MB
# make bench-link   the serial link beside gensio, ZMODEM and Kermit (QUICK=1: a part of it, printed only)
# make bench-core   the debug server beside gdbserver and lldb-server: what each request costs
# make hardware-test   real serial drivers: guests of QEMU with UARTs and USB adapters, and LAB_RIG=FILE for ports that you have
# make bench-hardware  only its comparison with gdbserver on the same UART, into docs/benchmarks.md
# make judge   gdb's own test suite over dbgsrv and gdbserver (TESTS=gdb.server by default), into docs/gdb-suite.md

PREFIX ?= /usr/local
UDEV_RULES ?= /lib/udev/rules.d
UNITS ?= /lib/systemd/system
MAN = $(PREFIX)/share/man/man1
SHELLS = bash zsh fish
COMPLETIONS_bash = $(PREFIX)/share/bash-completion/completions
COMPLETIONS_zsh = $(PREFIX)/share/zsh/site-functions
COMPLETIONS_fish = $(PREFIX)/share/fish/vendor_completions.d
SWIFT ?= swift
PROGRAMS = dbgsrv cdb dbgbridge dbgcom
RELEASE = .build/release
SOURCES = Package.swift Sources Tests HardwareTests
# They change the environment, of which a process has one; others start programs meanwhile, and posix_spawn(3) would read it.
ENVIRONMENT_SUITES = ServerRegistryTests|CertificateFolderTests

# Some of the simulations take their seeds from the commit.
export MUX_COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null)

.PHONY: hardware-test bench-hardware deb install-files demo test build lint packages install clean bench bench-cdb bench-session bench-link bench-shared bench-core judge soak fuzz speed

demo: build
	Tests/Demo/run $(RELEASE)

test: packages lint
	$(SWIFT) build --build-tests
	SWIFT=$(SWIFT) Tests/watch --skip-build --skip '$(ENVIRONMENT_SUITES)'
	for suite in $(subst |, ,$(ENVIRONMENT_SUITES)); do SWIFT=$(SWIFT) Tests/watch --skip-build --filter "$$suite" || exit 1; done

build: packages
	$(SWIFT) build -c release --static-swift-stdlib

lint:
	$(SWIFT) format lint --strict -r $(SOURCES)

packages:
	@.ci/install-packages

bench: build
	Tests/Bench/session $(RELEASE)

bench-session: build
	Tests/Bench/sessions $(RELEASE) $(if $(QUICK),--quick,--write docs/benchmarks.md)

bench-cdb: build
	Tests/Bench/cdb $(RELEASE) $(if $(QUICK),--rounds 3,--write docs/benchmarks.md)

bench-shared: build
	Tests/Bench/shared $(RELEASE)

bench-link: build
	Tests/Bench/link $(RELEASE) $(if $(QUICK),--quick,--write docs/benchmarks.md)

bench-core: build
	$(SWIFT) build -c release --static-swift-stdlib --product corebench
	$(RELEASE)/corebench $(RELEASE)/dbgsrv Tests/CoreBench/debuggee.c $(or $(ROUNDS),5)

hardware-test: build
	$(SWIFT) build --build-tests
	HardwareTests/run $(RELEASE) $(TESTS)

bench-hardware: build
	$(SWIFT) build --build-tests
	RIG_BENCH=$(CURDIR)/docs/benchmarks.md HardwareTests/run $(RELEASE) BaselineTests

judge: build
	Tests/DejaGnu/judge --dbgsrv $(RELEASE)/dbgsrv --write docs/gdb-suite.md $(TESTS)

soak: packages
	$(SWIFT) build -c release --product trialrunner
	$(RELEASE)/trialrunner soak $(or $(SECONDS),60) $(SEED)

speed: packages
	$(SWIFT) build -c release --product trialrunner
	$(RELEASE)/trialrunner speed

fuzz: packages
	Tests/Fuzz/run $(or $(SECONDS),30)

deb: build
	@packaging/build-deb $(RELEASE) .build

install: build install-files

# For who has built already.
install-files:
	install -d $(DESTDIR)$(PREFIX)/bin
	install -s -m 0755 $(foreach p,$(PROGRAMS),$(RELEASE)/$(p)) $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(MAN) $(foreach s,$(SHELLS),$(DESTDIR)$(COMPLETIONS_$(s)))
	install -m 0644 $(foreach p,$(PROGRAMS),docs/man/$(p).1) $(DESTDIR)$(MAN)
	$(RELEASE)/dbgcom --generate-completion-script bash >$(DESTDIR)$(COMPLETIONS_bash)/dbgcom
	$(RELEASE)/dbgcom --generate-completion-script zsh >$(DESTDIR)$(COMPLETIONS_zsh)/_dbgcom
	$(RELEASE)/dbgcom --generate-completion-script fish >$(DESTDIR)$(COMPLETIONS_fish)/dbgcom.fish
	install -d $(DESTDIR)$(UDEV_RULES)
	sed 's|@BINDIR@|$(PREFIX)/bin|g' udev/62-dbgsrv-serial.rules >$(DESTDIR)$(UDEV_RULES)/62-dbgsrv-serial.rules
	chmod 0644 $(DESTDIR)$(UDEV_RULES)/62-dbgsrv-serial.rules
	install -d $(DESTDIR)$(UNITS)
	for unit in packaging/systemd/*; do \
		sed 's|@BINDIR@|$(PREFIX)/bin|g' "$$unit" >$(DESTDIR)$(UNITS)/$${unit##*/} && \
		chmod 0644 $(DESTDIR)$(UNITS)/$${unit##*/} || exit 1; \
	done

clean:
	rm -rf .build
