# Builds and installs the loadable module and its SQL scripts (PGXS), and the worker program that the
# background workers start. Everything else is built by CMake; both read the same folders.
#
#   make && make install            for the server of pg_config
#   make PG_CONFIG=/path/pg_config  for another one
#   make WERROR=1                   warnings are errors
#   make installcheck               regression tests against a running server

EXTENSION    = extension/pg_switchboard
EXTVERSION  := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)
MODULE_big   = pg_switchboard
CORE_SRCS   := $(sort $(wildcard workers/core/*.cpp))
GLUE_SRCS   := $(sort $(wildcard extension/*.cpp extension/*/*.cpp bgworker/*.cpp))
OBJS         = $(patsubst %.cpp,%.o,$(CORE_SRCS) $(GLUE_SRCS))

# The install script, in the order its parts depend on each other: types, the functions that column defaults
# call, tables, then the rest of the code. OR REPLACE is for updates; an install script that replaces
# something would take over a stranger's function.
SQL_SCRIPT   = $(EXTENSION)--$(EXTVERSION).sql
SQL_FIRST   := $(wildcard sql/state/10_schema.sql sql/state/20_types.sql) $(sort $(wildcard sql/code/0*.sql))
SQL_STATE   := $(filter-out $(SQL_FIRST),$(sort $(wildcard sql/state/*.sql)))
SQL_CODE    := $(filter-out $(SQL_FIRST),$(sort $(wildcard sql/code/*.sql)))
SQL_PARTS    = sql/header.sql $(SQL_FIRST) $(SQL_STATE) $(SQL_CODE)
DATA_built   = $(SQL_SCRIPT)
DATA        := $(filter-out $(SQL_SCRIPT),$(sort $(wildcard sql/releases/*.sql)))

REGRESS      = $(notdir $(basename $(sort $(wildcard test/regress/sql/*.sql))))
REGRESS_OPTS = --inputdir=test/regress --outputdir=build/regress

PG_CONFIG   ?= pg_config
PG_CPPFLAGS  = -MMD -MP -I$(CURDIR) -isystem $(shell $(PG_CONFIG) --includedir-server) -DSB_VERSION='"$(EXTVERSION)"'
PG_CXXFLAGS  = -std=c++20 -Wall -Wextra -fvisibility=hidden -fvisibility-inlines-hidden
SHLIB_LINK   = -lphonenumber -ldate-tz -licui18n -licuuc -lcrypto -lstdc++ -Wl,--version-script=extension/exports.map
ifdef WERROR
PG_CXXFLAGS += -Werror
endif
override with_llvm = no

# The worker program: the same sources as CMake's switchboard-worker, for those who only have make.
WORKER       = switchboard-worker
WORKER_SRCS := $(sort $(foreach d,core engine http store providers providers/* daemon,$(wildcard workers/$(d)/*.cpp)))
WORKER_OBJS  = $(patsubst %.cpp,build/worker/%.o,$(WORKER_SRCS))
WORKER_MAIN := $(wildcard workers/daemon/*.cpp)
EXTRA_CLEAN  = $(patsubst %.o,%.d,$(OBJS)) build/worker build/regress $(WORKER)

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
-include $(OBJS:.o=.d)

$(shlib): extension/exports.map

# Written aside and moved, so that an interrupted make leaves no half script.
$(SQL_SCRIPT): $(SQL_PARTS) $(EXTENSION).control Makefile
	sed -e 's/^CREATE OR REPLACE /CREATE /' $(SQL_PARTS) > $@.tmp
	mv $@.tmp $@

ifneq ($(WORKER_MAIN),)
WORKER_CXXFLAGS = -std=c++20 -O2 -g -Wall -Wextra $(if $(WERROR),-Werror) -MMD -MP -I$(CURDIR) \
  -isystem $(shell $(PG_CONFIG) --includedir) -DSB_VERSION='"$(EXTVERSION)"'

build/worker/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(WORKER_CXXFLAGS) $(CPPFLAGS_EXTRA) -c $< -o $@

$(WORKER): $(WORKER_OBJS)
	$(CXX) -o $@ $(WORKER_OBJS) -L$(shell $(PG_CONFIG) --libdir) -lpq -lcurl -lphonenumber -ldate-tz -licui18n -licuuc -lcrypto

-include $(WORKER_OBJS:.o=.d)

all: $(WORKER)
install: install-worker
uninstall: uninstall-worker

.PHONY: install-worker uninstall-worker
install-worker: $(WORKER)
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_PROGRAM) $(WORKER) '$(DESTDIR)$(bindir)/'

uninstall-worker:
	rm -f '$(DESTDIR)$(bindir)/$(WORKER)'
endif

installcheck: | build
build:
	$(MKDIR_P) $@

# make print-CORE_SRCS shows a variable; test/tools/check_sources.sh compares the lists of both builds.
print-%: ; @echo $($*)
