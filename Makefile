# make demo    install what is missing, build everything, show the main job
# make test    install what is missing, lint, run all tests
# make build   the four programs, optimised, without their own Swift runtime to install
# make install copy them and the udev rules (PREFIX=/usr/local, DESTDIR=)
# make bench   the same debugging session through one cable by cdb, by gdb, and by gdb with gdbserver

PREFIX ?= /usr/local
UDEV_RULES ?= /lib/udev/rules.d
SWIFT ?= swift
PROGRAMS = dbgsrv cdb dbgbridge dbgcom
RELEASE = .build/release
SOURCES = Package.swift Sources Tests HardwareTests

.PHONY: demo test build lint packages install clean bench

demo: build
	Tests/Demo/run $(RELEASE)

test: packages lint
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build

build: packages
	$(SWIFT) build -c release --static-swift-stdlib

lint:
	$(SWIFT) format lint --strict -r $(SOURCES)

packages:
	@.ci/install-packages

bench: build
	Tests/Bench/session $(RELEASE)

install: build
	install -d $(DESTDIR)$(PREFIX)/bin
	install -s -m 0755 $(foreach p,$(PROGRAMS),$(RELEASE)/$(p)) $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(UDEV_RULES)
	sed 's|@BINDIR@|$(PREFIX)/bin|g' udev/62-dbgsrv-serial.rules >$(DESTDIR)$(UDEV_RULES)/62-dbgsrv-serial.rules
	chmod 0644 $(DESTDIR)$(UDEV_RULES)/62-dbgsrv-serial.rules

clean:
	rm -rf .build
