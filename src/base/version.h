/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DTMM_BASE_VERSION_H
#define DTMM_BASE_VERSION_H

#define DTMM_VERSION "0.1.0"

#endif
