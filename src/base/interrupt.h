/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that end the program (SIGINT, SIGTERM, SIGHUP), held back while there are files that must
 * not be left behind. */
#ifndef DTMM_BASE_INTERRUPT_H
#define DTMM_BASE_INTERRUPT_H

/* From here on such a signal is only noted. Holds nest. */
void interrupt_hold(void);

/* Ends a hold. The outermost one's end lets a noted signal do what it would have done. */
void interrupt_release(void);

/* Whether a signal is noted: stop the work, clean up. */
int interrupt_noted(void);

#endif
