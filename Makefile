# 'make run' starts everything on this machine; 'make test' checks everything; 'make help' says the rest.

PYTHON ?= python3
VENV ?= .venv
IMSYS_HOME ?= var
RUNS ?= 5
export IMSYS_HOME

BIN = $(VENV)/bin
SUDO = $$(test "$$(id -u)" = 0 || echo sudo)
PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: help run client client-program translations screenshots demo bench check test-quick test test-tools docs stubs lock compile clean-compiled clean

help:
	@echo "make run        start every server on this machine (data in $(IMSYS_HOME))"
	@echo "make client     start the desktop client (it finds what 'make run' started by itself)"
	@echo "make client-program  make a folder of the desktop client that needs no Python, dist/imsys-client"
	@echo "make demo       play a conversation of two users against the running servers"
	@echo "make bench      measure everything, and write docs/performance.md (hours; RUNS=1 QUICK=1: minutes, into $(IMSYS_HOME)/bench)"
	@echo "make check      ruff, mypy and import-linter; seconds, the first time a minute; needs no root"
	@echo "make test-quick the tests that need nothing beside Python, in some minutes; needs no root"
	@echo "make test       all checks and all tests; installs the Debian packages that they need"
	@echo "make docs       make a site of the documentation and the docstrings, in build/site"
	@echo "make translations  bring the client's texts up to date: client/translations"
	@echo "make screenshots   make pictures of the client's screens, in build/screenshots and docs/screenshots"
	@echo "make stubs      generate the gRPC stubs again"
	@echo "make lock       write requirements.lock again: the versions that the tests run on, with hashes"
	@echo "make compile    compile the path of a message with mypyc and the C compiler; a server that runs needs a restart"
	@echo "make clean-compiled  remove what that has made: everything is interpreted again"
	@echo "make clean      remove what the other targets made, but not the data"

run: $(VENV)/.run
	@umask 077; exec $(BIN)/twistd --nodaemon --pidfile= --logger imsys.util.logs.console imsys

client: $(VENV)/.client
	@exec $(BIN)/python -m client.app $(CLIENT_ARGUMENTS)

# A folder for the system that it is made on.
client-program: $(VENV)/.client-program
	@$(BIN)/pyinstaller --noconfirm --log-level WARN --distpath dist --workpath build/client client/packaging/imsys-client.spec
	@echo "Start dist/imsys-client/imsys-client"

# The sentences of the client, for translators, and what Qt reads.
translations: $(VENV)/.test
	@$(BIN)/python -m client.translations.make

# All of them are in build/screenshots, those that the repository keeps in docs/screenshots too. ONLY="viewer film": only those.
screenshots: $(VENV)/.test test-tools
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.client.screenshots --keep docs/screenshots build/screenshots $(ONLY)

demo: $(VENV)/.run
	@$(BIN)/imsys-cli demo --server https://127.0.0.1:$${IMSYS_GATEWAY_PORT:-8443}

# RUNS=1 QUICK=1: a first impression. ONLY=chat,nodes: only those scenes. GENERATOR=PATH: the load generator in C++.
bench: $(VENV)/.bench test-tools
	@mkdir -p $(if $(QUICK),$(IMSYS_HOME)/bench/performance,docs/performance)
	@$(BIN)/imsys-bench all --runs $(RUNS) $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) $(if $(GENERATOR),--generator $(GENERATOR)) \
	    --out $(if $(QUICK),$(IMSYS_HOME)/bench/performance/results.json,docs/performance/results.json); status=$$?; \
	$(BIN)/imsys-bench page $(if $(QUICK),--results $(IMSYS_HOME)/bench/performance/results.json --out $(IMSYS_HOME)/bench/performance.md) && exit $$status

check: $(VENV)/.test
	@$(BIN)/python -m tests.support.suite checks

test-quick: $(VENV)/.test
	@$(BIN)/python -m tests.support.suite quick

test: $(VENV)/.test test-tools
	@$(BIN)/python -m tests.support.suite

# A link that leads nowhere, or a name in a docstring that is not there, ends it.
docs: $(VENV)/.docs
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -c docs/site -d build/doctrees . build/site
	@echo "Open build/site/index.html"

stubs: $(VENV)/.test
	@$(BIN)/python -m imsys.cluster.generate

# uv resolves for all platforms and Python versions at once; the versions are those that are installed here.
lock: $(VENV)/.test
	@$(PIP) install uv
	@$(BIN)/python -m pip freeze --exclude-editable >$(VENV)/constraints.txt
	@{ echo "# What the servers need, with hashes: pip install --require-hashes -r requirements.lock. Made by 'make lock' from setup.cfg."; \
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --constraints $(VENV)/constraints.txt \
	    --extra server setup.cfg; } >$(VENV)/requirements.lock
	@mv $(VENV)/requirements.lock requirements.lock

# What is there is removed first: what does not succeed leaves nothing behind.
compile: $(VENV)/.compile clean-compiled
	@echo "Compiling (a minute or two) ..."
	@IMSYS_COMPILE=1 $(BIN)/python setup.py --quiet build_ext --inplace
	@$(BIN)/python -m imsys.util.compiled

clean-compiled:
	@rm -rf build/temp.* build/lib.* imsys__mypyc.* imsys/util/compiled.digest
	@find imsys -name '*.so' -delete

clean: clean-compiled
	rm -rf $(VENV) build dist *.egg-info _trial_temp* .mypy_cache .ruff_cache .import_linter_cache .hypothesis twisted/plugins/dropin.cache
	find imsys tests client -name __pycache__ -type d -prune -exec rm -rf {} +

# The system's Python may come without ensurepip (Debian); then its own pip fills the virtual environment.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	    { echo "imsys needs Python 3.11 or later, and '$(PYTHON)' is not: try make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || \
	    { rm -rf $(VENV) && $(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --quiet --python $(VENV)/bin/python install pip; } || \
	    { rm -rf $(VENV); exit 1; }

$(VENV)/.run: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Installing imsys and what it needs (once) ..."
	@$(PIP) install --editable '.[server]'
	@touch $@

$(VENV)/.client-program: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Installing the desktop client, and what makes a program of it (once) ..."
	@$(PIP) install --editable '.[package]'
	@touch $@ $(VENV)/.client

$(VENV)/.client: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Installing the desktop client and what it needs (once) ..."
	@$(PIP) install --editable '.[client]'
	@touch $@

$(VENV)/.test: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Installing imsys, what it needs, and what its tests need (once) ..."
	@$(PIP) install --editable '.[test]'
	@touch $@ $(VENV)/.run $(VENV)/.docs $(VENV)/.compile

$(VENV)/.compile: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Installing imsys, what it needs, and what compiles it (once) ..."
	@$(PIP) install --editable '.[server,compile]'
	@touch $@ $(VENV)/.run

$(VENV)/.docs: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Installing imsys, and what makes its documentation (once) ..."
	@$(PIP) install --editable '.[docs]'
	@touch $@

$(VENV)/.bench: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Installing imsys, what it needs, and what its measurements need (once) ..."
	@$(PIP) install --editable '.[bench]'
	@touch $@ $(VENV)/.run

test-tools:
	@set -eu; PATH="$$PATH:/usr/sbin"; missing=""; \
	command -v mariadbd >/dev/null || missing="$$missing mariadb-server"; \
	test -e /usr/lib/galera/libgalera_smm.so || missing="$$missing galera-4"; \
	command -v rsync >/dev/null || missing="$$missing rsync"; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v ip >/dev/null || missing="$$missing iproute2"; \
	command -v ffmpeg >/dev/null || missing="$$missing ffmpeg"; \
	command -v curl >/dev/null || missing="$$missing curl"; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
	command -v nginx >/dev/null || missing="$$missing nginx-light"; \
	test -e /usr/lib/nginx/modules/ngx_rtmp_module.so || missing="$$missing libnginx-mod-rtmp"; \
	test -e /usr/lib/nginx/modules/ngx_stream_module.so || missing="$$missing libnginx-mod-stream"; \
	command -v prosody >/dev/null || missing="$$missing prosody"; \
	ls /usr/lib/*/lua/5.4/dbd/sqlite3.so >/dev/null 2>&1 || missing="$$missing lua-dbi-sqlite3"; \
	test -e /usr/share/ejabberd/sql/mysql.sql || missing="$$missing ejabberd"; \
	ls -d /usr/lib/erlang/lib/p1_mysql-* >/dev/null 2>&1 || missing="$$missing erlang-p1-mysql"; \
	command -v rtmpdump >/dev/null || missing="$$missing rtmpdump"; \
	gst-inspect-1.0 rtmpsink >/dev/null 2>&1 || missing="$$missing gstreamer1.0-tools gstreamer1.0-plugins-bad"; \
	command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || missing="$$missing chromium-headless-shell"; \
	ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || missing="$$missing libfaketime"; \
	command -v systemd-analyze >/dev/null || missing="$$missing systemd"; \
	command -v Xvfb >/dev/null || missing="$$missing xvfb"; \
	command -v appstreamcli >/dev/null || missing="$$missing appstream"; \
	command -v dbus-daemon >/dev/null || missing="$$missing dbus-daemon"; \
	command -v desktop-file-validate >/dev/null || missing="$$missing desktop-file-utils"; \
	for library in EGL.so.1:libegl1 GL.so.1:libgl1 xkbcommon-x11.so.0:libxkbcommon-x11-0 fontconfig.so.1:libfontconfig1 \
	    dbus-1.so.3:libdbus-1-3 xcb-cursor.so.0:libxcb-cursor0 xcb-icccm.so.4:libxcb-icccm4 xcb-image.so.0:libxcb-image0 \
	    xcb-keysyms.so.1:libxcb-keysyms1 xcb-render-util.so.0:libxcb-render-util0 xcb-shape.so.0:libxcb-shape0; do \
	    ls /usr/lib/*/lib$${library%%:*} >/dev/null 2>&1 || missing="$$missing $${library##*:}"; done; \
	ls /usr/lib/*/dri/swrast_dri.so >/dev/null 2>&1 || missing="$$missing libgl1-mesa-dri"; \
	test -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc || missing="$$missing fonts-noto-cjk"; \
	test -e /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf || missing="$$missing fonts-noto-color-emoji"; \
	test -e /usr/share/fonts/truetype/noto/NotoSans-Regular.ttf || missing="$$missing fonts-noto-core"; \
	test -n "$$missing" || exit 0; \
	command -v apt-get >/dev/null || { echo "The tests need$$missing, and there is no apt-get to install them with." >&2; exit 1; }; \
	echo "Installing$$missing ..."; \
	$(SUDO) apt-get update -qq; \
	DEBIAN_FRONTEND=noninteractive $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null
