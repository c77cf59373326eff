#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Links every kernel for every core that may take it, as `dtmm run` does, and writes the parts that its
code is made of to src/target/code_parts.inc, so that what several kernels share is counted once.

A kernel's own part is what no other file brings along. Functions in headers are weak symbols, of which
the linker keeps one; each is a part with all that only it calls. So is each member of the compiler's and
the C library. Parts that the same kernels have on a core are written as one."""
import collections
import os
import re
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ARM = [("cortex-m0", "armv6m", "soft"), ("cortex-m0plus", "armv6m", "soft"), ("cortex-m3", "armv7m", "soft"),
       ("cortex-m4", "armv7em", "soft"), ("cortex-m7", "armv7em", "soft"), ("cortex-m33", "armv7em", "soft"),
       ("cortex-m55", "mve", "hard")]
RISCV = ["rv32imc", "rv32imac"]
COMPILE = ["-std=c11", "-O2", "-ffreestanding", "-fbuiltin", "-ffunction-sections", "-fdata-sections"]


def run(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Core:
    def __init__(self, name, folder, prefix, flags, work):
        self.name, self.folder, self.prefix, self.flags, self.work = name, folder, prefix, flags, work
        self.library = []
        if "riscv" in prefix:
            for file in sorted(os.listdir(f"{ROOT}/board/riscv/library")):
                if file.endswith((".c", ".S")):
                    self.library.append(self.compile(f"{ROOT}/board/riscv/library/{file}", f"library_{file}.o"))

    def compile(self, source, name):
        path = f"{self.work}/{name}"
        run([self.prefix + "gcc", *self.flags, *COMPILE, "-c", "-o", path, source])
        return path

    def sections(self, objects, entry):
        """What a link of the objects keeps: (file or archive member, section) -> bytes."""
        libraries = ["-lc", "-lgcc"] if "arm" in self.prefix else ["-lgcc"]
        run([self.prefix + "gcc", *self.flags, "-nostdlib", "-Wl,--gc-sections", f"-Wl,-e,{entry}",
             f"-Wl,-Map,{self.work}/map", "-o", f"{self.work}/linked", *objects, *self.library, *libraries])
        text = open(f"{self.work}/map").read()
        text = text[text.index("Linker script and memory map"):]
        found = collections.Counter()
        line = r"^ (\.(?:text|rodata|srodata|data|sdata)\S*)\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S+)$"
        for section, size, file in re.findall(line, text, re.M):
            if int(size, 16) > 0:
                found[os.path.basename(file), section] += (int(size, 16) + 3) // 4 * 4
        return found

    def weak_symbols(self, path):
        return sorted(set(re.findall(r"^[0-9a-f]+ [WV] (\S+)$", run([self.prefix + "nm", path]), re.M)))

    def stubs(self, symbols):
        """An object that has functions of these names."""
        with open(f"{self.work}/stubs.c", "w") as file:
            file.write("".join(f"void {name}(void);\nvoid {name}(void) {{}}\n" for name in symbols))
        return self.compile(f"{self.work}/stubs.c", "stubs.o")

    def kept(self, path, entry, weak):
        """Bytes of the object that a link keeps when all its other weak functions are elsewhere."""
        found = self.sections([self.stubs([w for w in weak if w != entry]), path], entry)
        return sum(size for (file, _), size in found.items() if file == os.path.basename(path))

    def parts(self, source):
        kernel = f"dtmm_{os.path.basename(source)[:-2]}_{os.path.basename(os.path.dirname(source))}"
        path = self.compile(source, "kernel.o")
        weak = self.weak_symbols(path)
        found = self.sections([path], kernel)
        parts = {kernel: self.kept(path, kernel, weak)}
        for name in weak:
            if any(file == "kernel.o" and section.endswith("." + name) for file, section in found):
                parts[name] = self.kept(path, name, weak)
        for (file, _), size in found.items():
            if file != "kernel.o":
                member = re.sub(r".*\((?:lib._a-)?(.*)\.o\)$", r"\1", file)
                parts[member] = parts.get(member, 0) + size
        return kernel, parts


def cores(work):
    for name, folder, abi in ARM:
        yield Core(name, folder, "arm-none-eabi-", ["-mthumb", f"-mcpu={name}", f"-mfloat-abi={abi}"], work)
    for name in RISCV:
        yield Core(name, "rv32", "riscv64-unknown-elf-",
                   [f"-march={name}", "-mabi=ilp32", "-msmall-data-limit=0"], work)


def merged(kernels):
    """Parts by kernel, with those that the same kernels have made one."""
    users = collections.defaultdict(set)
    for kernel, parts in kernels.items():
        for name in parts:
            users[name].add(kernel)
    first = {}
    for name in sorted(users):
        first.setdefault(frozenset(users[name]), name)
    result = {}
    for kernel, parts in kernels.items():
        sums = collections.Counter()
        for name, size in parts.items():
            own = users[name] == {kernel}
            sums["" if own else first[frozenset(users[name])]] += size
        result[kernel] = sums
    return result


def main():
    lines = ["/* SPDX-License-Identifier: Apache-2.0 */",
             "/* PART(core, kernel, isa, \"name\", bytes): what a kernel's linked code and constants are made of;",
             " * parts of the same name are linked once. Written by bench/code_parts.py. */"]
    with tempfile.TemporaryDirectory() as work:
        for core in cores(work):
            kernels = {}
            for folder in ["c", core.folder]:
                for file in sorted(os.listdir(f"{ROOT}/runtime/{folder}")):
                    if file.endswith(".c"):
                        kernel, parts = core.parts(f"{ROOT}/runtime/{folder}/{file}")
                        kernels[kernel] = parts
            for kernel, parts in merged(kernels).items():
                name, isa = kernel[len("dtmm_"):].rsplit("_", 1)
                for part, size in sorted(parts.items()):
                    lines.append(f'PART("{core.name}", {name}, {isa}, "{part}", {size})')
    with open(f"{ROOT}/src/target/code_parts.inc", "w") as file:
        file.write("\n".join(lines) + "\n")


main()
