# SPDX-License-Identifier: Apache-2.0
# `make help` lists what there is.

empty  :=
space  := $(empty) $(empty)
BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= gcc
CXX    ?= g++
JOBS   ?= $(shell nproc)
MAKEFLAGS += --no-builtin-rules -j$(JOBS)
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
OPT      ?= -O2 -g
SANITIZE ?=
CPPFLAGS := -Isrc -I$(BUILD)/generated -D_POSIX_C_SOURCE=200809L
CFLAGS   := -std=c11 $(WARNINGS) $(OPT) $(SANITIZE) -ffp-contract=off
CXXFLAGS := -std=c++17 -Wall -Wextra -Werror $(OPT) $(SANITIZE) -fno-exceptions -fno-rtti
# Training on several processes; MPI=0 builds without.
MPI      ?= 1
ifeq ($(MPI),1)
MPI_CFLAGS  = $(addprefix -isystem ,$(shell mpicc --showme:incdirs 2>/dev/null))
MPI_LDLIBS := -lmpi
endif
LDLIBS   := -ljansson -ldnnl -lz -llzma -lpng -ljpeg -lprotobuf-c -llapacke -lopenblas -lgomp -lpthread $(MPI_LDLIBS) -lm
DEPFLAGS  = -MMD -MP

# A short line for each command; V=1 shows the commands.
Q   := $(if $(V),,@)
SAY := @$(if $(V),:,printf '  %-6s %s\n')

# Debian packages: what each is for, and a file that shows it is there.
PACKAGES := gcc g++ make clang libclang-rt-dev clang-format \
	gcc-arm-none-eabi libnewlib-arm-none-eabi gcc-riscv64-unknown-elf \
	qemu-system-arm qemu-system-misc \
	libflatbuffers-dev flatbuffers-compiler libjansson-dev libcmocka-dev cmake git \
	libdnnl-dev libopenmpi-dev openmpi-bin zlib1g-dev liblzma-dev libpng-dev libjpeg-dev \
	libprotobuf-c-dev protobuf-c-compiler libonnx-dev libopenblas-serial-dev liblapacke-dev \
	libarmnn-dev libarmnntfliteparser-dev libarmnn-cpuref-backend22 \
	xz-utils dataset-fashion-mnist python3-torch python3-onnx python3-numpy
NEEDED   := /usr/bin/gcc /usr/bin/g++ /usr/bin/clang /usr/bin/clang-format \
	/usr/bin/arm-none-eabi-gcc /usr/lib/arm-none-eabi/include/stdint.h \
	/usr/bin/riscv64-unknown-elf-gcc /usr/bin/qemu-system-arm /usr/bin/qemu-system-riscv32 \
	/usr/include/flatbuffers/flatbuffers.h /usr/bin/flatc /usr/include/jansson.h \
	/usr/include/cmocka.h /usr/bin/cmake /usr/bin/git /usr/bin/xz \
	/usr/include/dnnl.h /usr/bin/mpicc /usr/bin/mpirun /usr/include/zlib.h /usr/include/lzma.h \
	/usr/include/png.h /usr/include/jpeglib.h /usr/bin/protoc-c \
	/usr/include/protobuf-c/protobuf-c.h /usr/include/onnx/onnx.proto \
	/usr/include/lapacke.h /usr/include/armnn/ArmNN.hpp /usr/include/armnnTfLiteParser/ITfLiteParser.hpp \
	/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz \
	/usr/lib/python3/dist-packages/torch/__init__.py \
	/usr/lib/python3/dist-packages/onnx/__init__.py
MISSING  := $(filter-out $(wildcard $(NEEDED)),$(NEEDED)) \
	$(if $(wildcard /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-*),,clang-sanitizers) \
	$(if $(wildcard /usr/lib/*/libopenblas.so),,libopenblas.so) \
	$(if $(wildcard /usr/lib/*/armnn*/Arm_CpuRef_backend.so),,Arm_CpuRef_backend.so)
MISSING  := $(strip $(MISSING))

SOURCES  := $(sort $(shell find src -name '*.c' ! -name main.c) $(wildcard runtime/c/*.c))
CXX_SRC  := $(sort $(shell find src -name '*.cc'))
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o) $(CXX_SRC:%.cc=$(BUILD)/%.o) $(BUILD)/generated/onnx.pb-c.o
PROGRAM  := $(BUILD)/dtmm
LIBRARY  := $(BUILD)/libdtmm.a
UNIT_SRC := $(sort $(wildcard test/unit/*.c))
UNIT     := $(UNIT_SRC:test/unit/%.c=$(BUILD)/test/unit/%)
# What runs on devices is compiled by test/tool/check_kernels.c.
DEVICE   := test/kernels/device.c test/kernels/guard_device.c
CHECKER  := $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(DEVICE),$(wildcard test/kernels/*.c test/train/*.c)))

.PHONY: all
all: $(PROGRAM) ## build the program (build/dtmm)

# ---- dependencies ----
.PHONY: deps
deps: ## install the Debian packages that everything here needs
	@if [ -n "$(MISSING)" ]; then \
	    run=; [ "$$(id -u)" = 0 ] || run=sudo; \
	    echo "installing packages (missing:$(foreach f,$(MISSING), $(notdir $(f))))"; \
	    $$run apt-get update -q && \
	    $$run env DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y -q --no-install-recommends $(PACKAGES); \
	fi

# Everything that compiles waits for the packages when one is missing.
ifneq ($(MISSING),)
READY := deps
endif

# ---- the program ----
$(PROGRAM): $(BUILD)/src/main.o $(LIBRARY)
	$(SAY) LINK $@
	$(Q)$(CXX) $(SANITIZE) -o $@ $^ $(LDLIBS)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(SAY) AR $@
	$(Q)ar rcs $@ $^

$(BUILD)/%.o: %.c | $(READY)
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPFLAGS) -c -o $@ $<

$(BUILD)/%.o: %.cc | $(READY)
	@mkdir -p $(@D)
	$(SAY) CXX $@
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(DEPFLAGS) -c -o $@ $<

# Evaluation on the host spends its time in the kernels; sanitizers see more without.
ifeq ($(SANITIZE),)
$(BUILD)/runtime/c/%.o: CFLAGS += -O3
$(BUILD)/src/train/%.o: CFLAGS += -fvect-cost-model=dynamic
endif

$(BUILD)/src/train/distributed.o: CPPFLAGS += -DDTMM_MPI=$(MPI) $(MPI_CFLAGS)

# The generated reader of the TensorFlow Lite schema.
$(BUILD)/generated/%_generated.h: src/import/%.fbs | $(READY)
	@mkdir -p $(@D)
	$(SAY) FLATC $@
	$(Q)flatc --cpp --scoped-enums -o $(@D) $<
$(CXX_SRC:%.cc=$(BUILD)/%.o): $(patsubst src/import/%.fbs,$(BUILD)/generated/%_generated.h,$(wildcard src/import/*.fbs))

# The generated reader of the ONNX schema; it keeps to the rules of its generator, not to ours.
ONNX_PROTO := /usr/include/onnx/onnx.proto
$(ONNX_PROTO): | $(READY) ;
$(BUILD)/generated/onnx.pb-c.h: $(ONNX_PROTO)
	@mkdir -p $(@D)
	$(SAY) PROTOC $@
	$(Q)protoc-c --c_out=$(@D) -I$(dir $(ONNX_PROTO)) $(ONNX_PROTO)
$(BUILD)/generated/onnx.pb-c.o: $(BUILD)/generated/onnx.pb-c.h
	$(SAY) CC $@
	$(Q)$(CC) -std=c11 $(OPT) $(SANITIZE) -I$(@D) -c -o $@ $(@D)/onnx.pb-c.c
$(BUILD)/src/import/onnx_reader.o: $(BUILD)/generated/onnx.pb-c.h

# ---- tests ----
# Random layers, guarded buffers, the kernel checker and the reference of training; a test links what
# it uses.
$(CHECKER): CPPFLAGS += -I.
$(BUILD)/libchecker.a: $(CHECKER)
	@rm -f $@
	$(SAY) AR $@
	$(Q)ar rcs $@ $^

$(BUILD)/test/unit/%: test/unit/%.c $(LIBRARY) $(BUILD)/libchecker.a
	@mkdir -p $(@D)
	$(SAY) TEST $@
	$(Q)$(CC) $(CPPFLAGS) -I. $(CFLAGS) $(DEPFLAGS) -MT $@ -MF $@.d -c -o $@.o $<
	$(Q)$(CXX) $(SANITIZE) -o $@ $@.o $(BUILD)/libchecker.a $(LIBRARY) -lcmocka $(LDLIBS)

TOOL_SRC := $(sort $(wildcard test/tool/*.c))
TOOL     := $(TOOL_SRC:test/tool/%.c=$(BUILD)/test/tool/%)
$(BUILD)/test/tool/%: test/tool/%.c $(LIBRARY) $(BUILD)/libchecker.a
	@mkdir -p $(@D)
	$(SAY) TEST $@
	$(Q)$(CC) $(CPPFLAGS) -I. $(CFLAGS) $(DEPFLAGS) -MT $@ -MF $@.d -c -o $@.o $<
	$(Q)$(CXX) $(SANITIZE) -o $@ $@.o $(BUILD)/libchecker.a $(LIBRARY) $(LDLIBS)

.PHONY: unit
unit: $(UNIT) $(PROGRAM) ## build the unit tests

ASAN := BUILD=$(BUILD)/sanitized OPT="-O1 -g" SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all"

.PHONY: check
check: all style $(TOOL) ## all tests: unit tests under sanitizers, command line, emulated targets
	@$(MAKE) --no-print-directory $(ASAN) unit
	@BUILD=$(BUILD) test/run.sh unit cli target

.PHONY: check-target
check-target: all $(TOOL) ## the tests on emulated targets only
	@BUILD=$(BUILD) test/run.sh target

.PHONY: check-unit
check-unit: ## the unit tests only, under sanitizers
	@$(MAKE) --no-print-directory $(ASAN) unit
	@BUILD=$(BUILD) test/run.sh unit

CORE   ?= cortex-m0plus cortex-m3 cortex-m4 cortex-m7 cortex-m33 cortex-m55 rv32imc
LAYERS ?= 500
KERNEL ?= all
.PHONY: check-kernels
check-kernels: all $(TOOL) ## kernels against runtime/c on emulated cores: CORE= LAYERS= KERNEL= DTMM_SEED=
	@for core in $(CORE); do $(BUILD)/test/tool/check_kernels $$core $(LAYERS) $(KERNEL) || exit 1; done

.PHONY: fit-costs
fit-costs: all $(TOOL) ## measure every kernel on random layers of every core; rewrites src/target/costs.inc
	@for core in $(CORE); do \
	    $(BUILD)/test/tool/check_kernels $$core 250 all $(BUILD)/times.$$core || exit 1; done
	@cat $(foreach core,$(CORE),$(BUILD)/times.$(core)) | $(BUILD)/test/tool/fit_costs >$(BUILD)/costs.inc
	@grep '^COST' src/target/costs.inc | grep -vE '"($(subst $(space),|,$(strip $(CORE))))"' >>$(BUILD)/costs.inc || true
	@(grep -v '^COST' $(BUILD)/costs.inc; grep '^COST' $(BUILD)/costs.inc | LC_ALL=C sort) >src/target/costs.inc

.PHONY: style
style: | $(READY) ## formatting, license lines, include directions, prefixes of runtime symbols
	@BUILD=$(BUILD) test/style.sh

.PHONY: bench
bench: all ## measure the models and rewrite the table in bench/
	@BUILD=$(BUILD) bench/models.sh

.PHONY: bench-kernels
bench-kernels: all ## measure single convolutions: CORE=; rewrites bench/kernels.csv, fails when worse
	@BUILD=$(BUILD) bench/kernels.sh $(CORE)

.PHONY: bench-training-speed
bench-training-speed: all ## images per second of training, against PyTorch
	@BUILD=$(BUILD) LDLIBS="$(LDLIBS)" bench/train_speed.sh

.PHONY: bench-training
bench-training: all ## train and quantize the networks of bench/training.csv: ROWS=; about half an hour
	@BUILD=$(BUILD) bench/training.sh $(ROWS)

.PHONY: bench-pruning
bench-pruning: all ## prune the networks of bench/pruning.csv that it does not have, or ROWS=; hours
	@BUILD=$(BUILD) bench/pruning.sh $(ROWS)

.PHONY: bench-schedule
bench-schedule: all $(BUILD)/test/tool/paper_policy ## the budgets of bench/schedule.csv that it does not have, or CASES=; hours
	@BUILD=$(BUILD) bench/schedule.sh $(CASES)

.PHONY: bench-budgets
bench-budgets: all ## random budgets, met and not to be met: bench/budgets.csv; an hour
	@BUILD=$(BUILD) bench/budgets.sh

.PHONY: bench-ranks
bench-ranks: $(BUILD)/test/tool/rank_losses ## predicted loss against accuracy after training: bench/ranks.csv; an hour
	@BUILD=$(BUILD) bench/ranks.sh

.PHONY: bench-solvers
bench-solvers: $(BUILD)/test/tool/schedule_try ## both solvers on the same problems: bench/solvers.csv; an hour
	@BUILD=$(BUILD) bench/solvers.sh

.PHONY: demo
demo: all ## the main job on a real network: compress, run and verify it
	@BUILD=$(BUILD) examples/demo.sh

.PHONY: install
install: all ## install under PREFIX (default /usr/local), below DESTDIR
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/dtmm"
	install -m 755 $(PROGRAM) "$(DESTDIR)$(PREFIX)/bin/dtmm"
	rm -rf "$(DESTDIR)$(PREFIX)/share/dtmm/runtime" "$(DESTDIR)$(PREFIX)/share/dtmm/board"
	cp -R runtime board "$(DESTDIR)$(PREFIX)/share/dtmm/"

.PHONY: format
format: ## format the sources in place
	clang-format -i $$(git ls-files '*.c' '*.h' '*.cc')

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 18

-include $(OBJECTS:.o=.d) $(BUILD)/src/main.d $(UNIT:=.d) $(CHECKER:.o=.d) $(TOOL:=.d)
