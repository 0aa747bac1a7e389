#include "fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "protocol.h"

static _Noreturn void give_up(int status, const char *format, va_list arguments) {
  char line[512];
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  if (length > (int)sizeof line - 2) length = (int)sizeof line - 2;
  line[length] = '\n';
  /* Not stdio: a plugin may hold its lock. */
  ssize_t written = write(STDERR_FILENO, line, (size_t)length + 1);
  (void)written;
  _exit(status);
}

void fault(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  give_up(FAULT_STATUS, format, arguments);
}

void fault_of_system(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  give_up(PROTOCOL_LACKS_STATUS, format, arguments);
}
