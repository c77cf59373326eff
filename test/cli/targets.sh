#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# targets: the table, and JSON with the sources of the facts.
. "$(dirname "$0")/../lib.sh"
expect_exact test/cli/targets.stdout.exact "$dtmm" targets
expect_exact test/cli/targets_json.stdout.exact "$dtmm" targets --json
