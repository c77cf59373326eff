# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts that make tables.

number() { # FILE KEY: the first number of that name in a JSON report
    sed -nE "s/^ *\"$2\": ([-0-9.e+]+),?$/\1/p" "$1" | head -n 1
}
