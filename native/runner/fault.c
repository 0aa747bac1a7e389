#include "fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void fault(const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (length > (int)sizeof line - 2) length = (int)sizeof line - 2;
  line[length] = '\n';
  /* Not stdio: a plugin may hold its lock. */
  ssize_t written = write(STDERR_FILENO, line, (size_t)length + 1);
  (void)written;
  _exit(FAULT_STATUS);
}
