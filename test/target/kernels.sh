#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every kernel of every instruction set equals its reference on 500 random layers, under emulation; one
# core for each instruction set and compiler target. The seed is DTMM_SEED. Inline assembly must hold whatever
# registers the compiler chooses, so some layers again at other levels of optimization.
set -u
cd "$(dirname "$0")/../.." || exit 2
bad=0
for core in cortex-m0plus cortex-m3 cortex-m4 cortex-m55 rv32imc; do
    "${BUILD:-build}/test/tool/check_kernels" "$core" 500 || bad=1
done
for core in cortex-m0plus cortex-m3 cortex-m4 cortex-m55 rv32imc; do
    DTMM_OPT=-O1 "${BUILD:-build}/test/tool/check_kernels" "$core" 100 || bad=1
done
# -Os keeps the high registers of Cortex-M0 from the compiler.
DTMM_OPT=-Os "${BUILD:-build}/test/tool/check_kernels" cortex-m0plus 60 || bad=1
for core in cortex-m7 cortex-m33 rv32imac; do
    "${BUILD:-build}/test/tool/check_kernels" "$core" 100 || bad=1
done
exit "$bad"
