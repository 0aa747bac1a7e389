/* fault.h - how the runner gives up. */
#ifndef DLSERVE_FAULT_H
#define DLSERVE_FAULT_H

/* The exit status of a runner that gave up; 70 is EX_SOFTWARE of sysexits.h. */
#define FAULT_STATUS 70

/* Says why on standard error, which the host logs, and ends the process. */
_Noreturn void fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same where the system lacks what the runner needs: that passes, and is no fault of anybody's. */
_Noreturn void fault_of_system(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
